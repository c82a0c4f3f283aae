package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/source/syntax"
)

// maxSize is the maximum size of a configuration, in bytes.
const maxSize = 1 << 20

// maxNodes and maxDepth bound the work for a hostile file. They are far above what a real
// configuration has.
const (
	maxNodes = 100_000
	maxDepth = 50
)

// read returns the text of the file at path. It fails if the file is not regular, too
// large, empty or not UTF-8.
func read(path string) ([]byte, error) {
	text, err := source.ReadDocument(path, maxSize, "slipway.yaml")
	switch {
	case err != nil:
		return nil, err
	case bytes.IndexByte(text, 0) >= 0, !utf8.Valid(text):
		return nil, errors.New("is not valid UTF-8")
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("is empty; name at least a job, or an image to build")
	}
	return text, nil
}

// parse returns the root mapping, or nil if the text has none. It adds the reason to
// d.errs.
func (d *decoder) parse(text []byte) *yaml.Node {
	fail := func(line int, message string) *yaml.Node {
		d.errs = append(d.errs, &source.Error{Position: source.Position{File: d.file, Line: line, Column: 1}, Message: message})
		return nil
	}
	reader := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := reader.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return fail(1, "is empty; name at least a job, or an image to build")
		}
		if mistake := syntax.Find(text); mistake != nil {
			d.errs = append(d.errs, d.syntaxError(text, mistake))
			return nil
		}
		line, message := syntax.Split(err)
		return fail(min(max(line, 1), bytes.Count(text, []byte("\n"))+1), "is not valid YAML: "+message)
	}
	if err := reader.Decode(&second); !errors.Is(err, io.EOF) {
		if mistake := syntax.Find(text); mistake != nil {
			d.errs = append(d.errs, d.syntaxError(text, mistake))
			return nil
		}
		return fail(second.Line, "has a second document (---); only one is allowed")
	}
	root := document.Content[0]
	if !d.checkSize(root) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		d.fail(root, "", "%s must be a mapping, not %s", FileName, kind(root))
		return nil
	}
	return root
}

// sensitiveLine matches lines that are not printed, as they may hold a secret that should not
// be there.
var sensitiveLine = lazyregexp.New(`(?i)passw|token|secret|credential|private|key`)

// syntaxError returns the error for invalid YAML. It has an excerpt of the line, unless the
// line may hold a secret.
func (d *decoder) syntaxError(text []byte, mistake *syntax.Mistake) *source.Error {
	e := &source.Error{Position: source.Position{File: d.file, Line: mistake.Line, Column: mistake.Column}, Message: mistake.Message, Hint: mistake.Hint}
	if lines := strings.Split(string(text), "\n"); mistake.Line <= len(lines) && !sensitiveLine.MatchString(lines[mistake.Line-1]) {
		e.Excerpt = source.Excerpt(strings.TrimRight(lines[mistake.Line-1], "\r"), e.Position)
	}
	return e
}

// checkSize reports whether a tree stays small when its aliases are expanded, and adds an
// error otherwise. An alias can repeat a large part of the file, or contain itself.
func (d *decoder) checkSize(root *yaml.Node) bool {
	nodes := 0
	var walk func(*yaml.Node, int) bool
	walk = func(n *yaml.Node, depth int) bool {
		if nodes++; nodes > maxNodes || depth > maxDepth {
			return false
		}
		if n.Kind == yaml.AliasNode {
			return walk(n.Alias, depth+1)
		}
		for _, child := range n.Content {
			if !walk(child, depth+1) {
				return false
			}
		}
		return true
	}
	if !walk(root, 0) {
		d.fail(root, "", "the file is nested too deeply, or too large when its aliases are expanded")
		return false
	}
	return true
}
