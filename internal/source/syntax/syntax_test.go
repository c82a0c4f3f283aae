package syntax

import (
	"fmt"
	"strings"
	"testing"
)

// TestMessages checks the messages for common mistakes. It does not need PyYAML.
func TestMessages(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"run:\n  container:\n    image: a\n   command: [b]\n", "4:4 is indented by 3 spaces, but its siblings by 4"},
		{"a:\n  b: 1\n   c: 2\n", "3:5 is indented by 3 spaces, but its siblings by 2 | the text that begins in line 2 continues until here"},
		{"a:\n  b: [1]\n   c: 2\n", "3:4 is indented by 3 spaces, but its siblings by 2"},
		{"in:\n  - name: a\n    type: int\n  value: 3\n", "4:3 is indented by 2 spaces, as the list of line 2, but is not an item of it | begin it with -, or indent it by 4 spaces to belong to the item above"},
		{"a:\n  b: 1\n  - c\n", "3:3 is an item of a list among the keys of a mapping | indent it further than the key it belongs to"},
		{"a: 1\nb: [c,\n  d\ne: f\n", "4:2 the bracket [ of line 2 is not closed | or a comma is missing before this"},
		{"a: [b c: d\n", "2:1 the bracket [ of line 1 is not closed | or a comma is missing before this"},
		{"a: {b: c]\n", "1:9 the bracket { of line 1 is closed by ]"},
		{"a: [b, \"c\" \"d\"]\n", "1:12 a comma or ] is missing before this"},
		{"a: b]\nc: [d]]\n", "2:7 there is no open bracket for ]"},
		{"a: \"b\nc: d\n", "3:1 the quote \" of line 1 is not closed"},
		{"a: \"b\nc: \"d\"\n", "2:5 the quote \" of line 1 is closed only in line 2"},
		{"a: b: c\n", "1:5 there is a second colon with a space after it | put the text in quotes, or begin a new line"},
		{"a: 1\nb\nc: 2\n", "3:1 line 2 has no key with a colon: b | write KEY: VALUE"},
		{"a: 1\nb:2\nc: 2\n", "3:1 line 2 has no key with a colon: b:2 | write a space after the colon: b: 2"},
		{"a:\n\tb: 1\n", "2:1 there is a tab, which YAML does not allow for indentation or as a separator | use spaces"},
		{"a: @b\n", "1:4 a text cannot begin with @ | put the text in quotes"},
		{"a: *b\n", "1:4 the alias *b is undefined: there is no anchor &b above | put the text in quotes, unless it is meant for an alias"},
		{"a: &b 1\nc: &b 2\n", "2:4 duplicate anchor &b, first in line 1 | give them two names"},
		{"a: \"\\d\"\n", `1:6 unknown escape sequence \d in double quotes | write \\ for a backslash, or put the text in single quotes`},
		{"a: 1\n---\nb: 2\n", "2:1 has a second document (---); only one is allowed | split it into two files"},
		{"a: \"x\u0007\"\n", "1:6 there is a control character, U+0007 | remove it, or write it as an escape in double quotes"},
		{"a: [1, 2]\nb: {c: d}\n? e\n: - f\n", ""},
		{strings.Repeat("[", 100_000), ""},
	} {
		have := ""
		if m := Find([]byte(c.text)); m != nil {
			have = fmt.Sprintf("%d:%d %s", m.Line, m.Column, m.Message)
			if m.Hint != "" {
				have += " | " + m.Hint
			}
		}
		if have != c.want {
			t.Errorf("%s\nhave %s\nwant %s", c.text[:min(len(c.text), 100)], have, c.want)
		}
	}
}

// FuzzFind checks that Find terminates for any text.
func FuzzFind(f *testing.F) {
	for _, text := range validTexts {
		f.Add([]byte(text))
	}
	f.Fuzz(func(_ *testing.T, text []byte) { Find(text) })
}
