// Package components holds the Polyaxon components that ship with slipway.
package components

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.yml
var files embed.FS

// Names returns the names of the components, sorted.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil // an embedded directory is always there
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yml"))
	}
	return names
}

// Read returns the text of the component with the given name. It returns an error if
// there is none.
func Read(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".yml")
	if err != nil {
		return nil, fmt.Errorf("component %s not found: known components are %s", name, strings.Join(Names(), ", "))
	}
	return text, nil
}
