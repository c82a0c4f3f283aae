// Package polyaxonfile understands Polyaxonfiles: it parses and checks them,
// fills in what slipway.yaml says, and gives the operation that is sent. It also
// does what a Polyaxon server then does with an operation (Compile, Resolve), for
// the sandbox's server.
package polyaxonfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/yaml11"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
	maxSize  = 4 << 20 // of a file, in bytes
	maxNodes = 200_000 // of a file, with its aliases put in
	maxDepth = 100     // of nesting, and of pathRefs
)

// File is a Polyaxonfile: a component, or an operation whose component is in it.
type File struct {
	// Name is how errors call the file.
	Name string
	root map[string]any
	// positions by path of keys, joined by NUL; the refs of a pathRef too.
	positions map[string]source.Position
}

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
	if depth++; depth > maxDepth {
		return nil, &source.Error{Position: f.at("pathRef"), Message: "pathRef leads in a circle"}
	}
	component, err := read(filepath.Join(filepath.Dir(path), filepath.FromSlash(reference)), depth)
	if err != nil {
		return nil, err
	}
	if component.isOperation() {
		return nil, &source.Error{Position: f.at("pathRef"), Message: reference + " is an operation; a pathRef names a component"}
	}
	delete(f.root, "pathRef")
	f.root["component"] = component.root
	for key, at := range component.positions {
		f.positions["component\x00"+key] = at
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

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

// Parse reads a Polyaxonfile that is in memory; name is how errors call it.
// References to other files are left as they are.
func Parse(name string, text []byte) (*File, error) {
	f, problems := parse(name, text)
	if len(problems) > 0 {
		return nil, join(problems)
	}
	return f, nil
}

// problem is something wrong at a path of keys.
type problem struct {
	source.Error
	path []string
	// extra tells that the key at path is unknown.
	extra bool
}

func parse(name string, text []byte) (*File, []problem) {
	at := source.Position{File: name, Line: 1, Column: 1}
	whole := func(format string, args ...any) (*File, []problem) {
		return nil, []problem{{Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...)}}}
	}
	switch {
	case len(text) > maxSize:
		return whole("is larger than 4 MiB: that is no Polyaxonfile")
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return whole("is not text in UTF-8")
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return whole("is empty")
		}
		message := err.Error()
		if m := yamlLine.FindStringSubmatch(message); m != nil {
			if n, err := strconv.Atoi(m[1]); err == nil {
				at.Line = min(n, bytes.Count(text, []byte("\n"))+1)
			}
			message = m[2]
		}
		return whole("is no YAML: %s", message)
	}
	if err := reader.Decode(&second); err == nil {
		at.Line = second.Line
		return whole("has a second document (---); one is allowed")
	}
	b := &builder{file: name, positions: map[string]source.Position{}}
	root, ok := b.value(document.Content[0], nil).(map[string]any)
	if len(b.problems) > 0 {
		return nil, b.problems
	}
	if !ok {
		return whole("must be a mapping with kind: component or kind: operation")
	}
	f := &File{Name: name, root: root, positions: b.positions}
	return f, f.validate()
}

// builder makes plain values of nodes, and notes where they stand.
type builder struct {
	file      string
	positions map[string]source.Position
	problems  []problem
	nodes     int
}

func (b *builder) fail(n *yaml.Node, path []string, hint, format string, args ...any) {
	b.problems = append(b.problems, problem{path: path, Error: source.Error{
		Position: source.Position{File: b.file, Line: n.Line, Column: n.Column}, Message: fmt.Sprintf(format, args...), Hint: hint,
	}})
}

func (b *builder) value(n *yaml.Node, path []string) any {
	if b.nodes++; b.nodes > maxNodes || len(path) > maxDepth {
		if len(b.problems) == 0 {
			b.fail(n, path, "", "is nested too deeply, or too large once its aliases are put in")
		}
		return nil
	}
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	b.positions[strings.Join(path, "\x00")] = source.Position{File: b.file, Line: n.Line, Column: n.Column}
	switch n.Kind {
	case yaml.MappingNode:
		return b.mapping(n, path)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			list = append(list, b.value(item, extend(path, strconv.Itoa(i))))
		}
		return list
	}
	return yaml11.Scalar(n)
}

func (b *builder) mapping(n *yaml.Node, path []string) map[string]any {
	m := map[string]any{}
	merged := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			b.fail(key, path, "", "a key must be a name")
			continue
		}
		if key.Tag == "!!merge" {
			if below, ok := b.value(n.Content[i+1], path).(map[string]any); ok {
				maps.Copy(merged, below)
			}
			continue
		}
		if _, repeated := m[key.Value]; repeated {
			b.fail(key, extend(path, key.Value), "remove one of them; Polyaxon would silently take the last", "key %s is repeated", key.Value)
			continue
		}
		m[key.Value] = b.value(n.Content[i+1], extend(path, key.Value))
		b.positions[strings.Join(extend(path, key.Value), "\x00")+"\x00"] = source.Position{File: b.file, Line: key.Line, Column: key.Column}
	}
	for key, value := range merged {
		if _, own := m[key]; !own {
			m[key] = value
		}
	}
	return m
}

func extend(path []string, key string) []string {
	return append(append(make([]string, 0, len(path)+1), path...), key)
}

// at gives where a value stands, or its nearest parent.
func (f *File) at(path ...string) source.Position {
	for n := len(path); n >= 0; n-- {
		if at, ok := f.positions[strings.Join(path[:n], "\x00")]; ok {
			return at
		}
	}
	return source.Position{File: f.Name}
}

// atKey gives where a key stands, rather than its value.
func (f *File) atKey(path ...string) source.Position {
	if at, ok := f.positions[strings.Join(path, "\x00")+"\x00"]; ok {
		return at
	}
	return f.at(path...)
}

func (f *File) isOperation() bool {
	if kind, ok := f.root["kind"].(string); ok {
		return kind == "operation"
	}
	for _, key := range []string{"component", "pathRef", "hubRef", "urlRef", "dagRef", "params"} {
		if _, ok := f.root[key]; ok {
			return true
		}
	}
	return false
}

// component gives the component's values and where they stand.
func (f *File) component() (map[string]any, []string) {
	if !f.isOperation() {
		return f.root, nil
	}
	component, _ := f.root["component"].(map[string]any)
	return component, []string{"component"}
}

func join(problems []problem) error {
	sort.SliceStable(problems, func(i, j int) bool {
		a, b := problems[i].Position, problems[j].Position
		return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
	})
	errs := make([]error, len(problems))
	for i := range problems {
		e := problems[i].Error
		errs[i] = &e
	}
	return errors.Join(errs...)
}
