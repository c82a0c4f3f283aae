package operation

import (
	"bytes"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// Source returns the text of the file that the operation was made from, with the minimal
// changes that give it the operation's value: comments, order and quotes stay. text is
// the file's own text. component is the text of the component that the file names by
// pathRef, or nil when the file contains its component. A file that is a component
// becomes the component of an operation.
func (o *Operation) Source(text, component []byte) ([]byte, error) {
	f, problems := file.Load("the file", text)
	if f.Root() == nil {
		return nil, file.Errors(problems)
	}
	own := text
	switch {
	case !f.IsOperation():
		text = nest([]byte("version: 1.1\nkind: operation\n"), text)
	case component != nil:
		without, err := edit.Apply(text, edit.Delete("pathRef"))
		if err != nil {
			return nil, err
		}
		text = nest(without, component)
	}
	value, err := edit.Value(text)
	if err != nil {
		// The text of the component cannot be nested in the operation's text.
		if text, value = own, f.Root(); !f.IsOperation() {
			text, value = []byte("version: 1.1\nkind: operation\n"), map[string]any{"version": 1.1, "kind": "operation"}
		}
	}
	return edit.Apply(text, edit.Diff(value, o.root)...)
}

// nest puts the text of a component below the key component of an operation.
func nest(operation, component []byte) []byte {
	component = bytes.TrimPrefix(component, []byte("\xef\xbb\xbf"))
	json := bytes.HasPrefix(bytes.TrimSpace(component), []byte("{"))
	ending := "\n"
	if bytes.Contains(component, []byte("\r\n")) {
		ending = "\r\n"
		operation = []byte(strings.ReplaceAll(strings.ReplaceAll(string(operation), "\r\n", "\n"), "\n", "\r\n"))
	}
	var b bytes.Buffer
	b.Write(operation)
	if len(operation) > 0 && !bytes.HasSuffix(operation, []byte("\n")) {
		b.WriteString(ending)
	}
	b.WriteString("component:" + ending)
	for _, line := range bytes.SplitAfter(component, []byte("\n")) {
		switch content := bytes.TrimRight(line, "\r\n"); {
		case bytes.Equal(content, []byte("---")), bytes.HasPrefix(content, []byte("%")), bytes.Equal(content, []byte("...")):
			continue
		case len(content) > 0:
			b.WriteString("  ")
		}
		if content := bytes.TrimLeft(line, " \t"); json { // YAML does not allow tabs here
			b.Write(bytes.ReplaceAll(line[:len(line)-len(content)], []byte("\t"), []byte("  ")))
			line = content
		}
		b.Write(line)
	}
	return b.Bytes()
}
