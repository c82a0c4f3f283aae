package report

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The page about commands lists every key that a Result can have in JSON.
func TestDocumentedKeys(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Results in JSON\n")
	section, _, _ = strings.Cut(section, "\n## Exit codes\n")
	for key := range keys(reflect.TypeFor[Result](), map[reflect.Type]bool{}) {
		if !strings.Contains(section, "`"+key+"`") {
			t.Errorf("docs/commands.md does not list the key %s", key)
		}
	}
}

// keys returns the keys in JSON of a type and of all types in it.
func keys(of reflect.Type, seen map[reflect.Type]bool) map[string]bool {
	all := map[string]bool{}
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[Result]().PkgPath() || seen[of] {
		return all
	}
	seen[of] = true
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name != "" {
			all[name] = true
		}
		for key := range keys(field.Type, seen) {
			all[key] = true
		}
	}
	return all
}
