package polyaxonfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxReferences is how many files a chain of pathRefs may have.
const maxReferences = 100

// Read reads the Polyaxonfile at path, and the component that it names by
// pathRef. What is wrong with it is one or several *source.Error, joined.
func Read(path string) (*File, error) { return read(path, 0) }

func read(path string, depth int) (*File, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	f, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	reference, ok := f.root["pathRef"].(string)
	if !ok {
		return f, nil
	}
	if depth++; depth > maxReferences {
		return nil, &source.Error{Position: f.At("pathRef"), Message: "pathRef leads in a circle"}
	}
	component, err := read(filepath.Join(filepath.Dir(path), filepath.FromSlash(reference)), depth)
	if err != nil {
		return nil, err
	}
	if component.IsOperation() {
		return nil, &source.Error{Position: f.At("pathRef"), Message: reference + " is an operation; a pathRef names a component"}
	}
	delete(f.root, "pathRef")
	f.root["component"] = component.root
	f.place.fields["component"] = component.place
	f.place.keys = append(f.place.keys, "component")
	for name, lines := range component.texts {
		f.texts[name] = lines
	}
	return f, nil
}

func readText(path string) ([]byte, error) {
	refuse := func(err error) error {
		e := &source.Error{Position: source.Position{File: path}, Message: err.Error(), Err: err}
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			e.Message = pathError.Err.Error()
		}
		if errors.Is(err, os.ErrNotExist) {
			e.Message, e.Hint = "there is no such Polyaxonfile", "check the path in slipway.yaml; it starts at the repository's root"
		}
		return e
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, refuse(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, refuse(err)
	}
	return text, nil
}
