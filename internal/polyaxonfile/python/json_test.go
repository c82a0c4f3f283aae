package python

import (
	"encoding/json"
	"testing"
)

// Strings are written as Python's json.dumps(ensure_ascii=False) writes them.
func TestJSONStrings(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `""`,
		"<a> & 'b'":            `"<a> & 'b'"`,
		"é😀":                   `"é😀"`,
		"a\"b\\c":              `"a\"b\\c"`,
		"a\nb\tc\u0001":        `"a\nb\tc\u0001"`,
		"\u2028a\u2029b\u2028": "\"\u2028a\u2029b\u2028\"",
		`\u2028`:               `"\\u2028"`,
		`\\u2029`:              `"\\\\u2029"`,
	} {
		got := JSON(text)
		if got != want {
			t.Errorf("JSON(%q) = %s; want %s", text, got, want)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil || back != text {
			t.Errorf("%s is read back as %q, %v; want %q", got, back, err, text)
		}
	}
}
