package wheel

import (
	"bytes"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// TOMLValue is a value or a table of a document in TOML, with its place.
type TOMLValue struct {
	// Path are the keys that lead to it, joined with dots: project.requires-python. A dot, a quote or a backslash in
	// a key has a backslash before it.
	Path string
	// Text is the value if it is a string, and otherwise "". Strings of an array follow the array, with Item set.
	Text string
	Item bool
	Line int
}

// TOMLValues returns the tables and values of a document, in order, and the error of CheckTOML. It also returns those
// before a mistake.
func TOMLValues(name string, text []byte) ([]TOMLValue, error) {
	err := CheckTOML(name, text)
	if nestsTooDeep(text) {
		return nil, err
	}
	r := &tomlReader{line: 1}
	r.parser.Reset(text)
	table := ""
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = r.key("", e)
			r.values = append(r.values, TOMLValue{Path: table, Line: r.line})
		case unstable.KeyValue:
			r.keyValue(table, e)
		}
	}
	return r.values, err
}

// tomlReader collects the values of a document. line is that of the byte at offset: places only go forward.
type tomlReader struct {
	parser       unstable.Parser
	values       []TOMLValue
	offset, line int
}

// key returns the path of an expression below a table, and moves to its first key.
func (r *tomlReader) key(table string, e *unstable.Node) string {
	parts := e.Key()
	for first := true; parts.Next(); first = false {
		part := parts.Node()
		if first {
			r.moveTo(part.Raw)
		}
		if table != "" {
			table += "."
		}
		table += escapeKey.Replace(string(part.Data))
	}
	return table
}

var escapeKey = strings.NewReplacer(`.`, `\.`, `"`, `\"`, `\`, `\\`)

func (r *tomlReader) moveTo(at unstable.Range) {
	if to := int(at.Offset); to > r.offset && to <= len(r.parser.Data()) {
		r.line += bytes.Count(r.parser.Data()[r.offset:to], []byte("\n"))
		r.offset = to
	}
}

func (r *tomlReader) keyValue(table string, e *unstable.Node) {
	v := TOMLValue{Path: r.key(table, e), Line: r.line}
	value := e.Value()
	switch children := value.Children(); value.Kind {
	case unstable.String:
		v.Text = string(value.Data)
		r.values = append(r.values, v)
	case unstable.InlineTable:
		r.values = append(r.values, v)
		for children.Next() {
			r.keyValue(v.Path, children.Node())
		}
	case unstable.Array:
		r.values = append(r.values, v)
		for children.Next() {
			if item := children.Node(); item.Kind == unstable.String {
				r.moveTo(item.Raw)
				r.values = append(r.values, TOMLValue{Path: v.Path, Text: string(item.Data), Item: true, Line: r.line})
			}
		}
	default:
		r.values = append(r.values, v)
	}
}
