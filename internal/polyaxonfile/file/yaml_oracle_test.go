package file

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// knownTexts are texts that PyYAML reads differently, by reason.
var knownTexts = map[string][]string{
	"a key that stands twice, of which PyYAML takes the last":      {"a: 1\na: 2\n", "on: 1\ntrue: 2\n", "{a: 1, a: 2}\n", "a: {b: 1, b: 2}\n", "a: {b: a,b}\n"},
	"what JSON does not have":                                      {"a: !!binary aGk=\n", "a: !!set {b}\n", "a: !!omap [b: 1]\n", "a: !!pairs [b: 1, c: 2]\n"},
	"the escape of a slash is no YAML 1.1":                         {"a: \"\\/\"\n", slash + ": a\n", "a: " + slash + "\n", "a: [" + slash + ", 1]\n", "a: {b: " + slash + "}\n", "a:\n  " + slash + "\n"},
	"a colon or a question mark right before a comma or a bracket": {"a: [a:, 1]\n", "a: {b: a:}\n", "a: [?, 1]\n", "{? a : b}: a\n"},
}

const slash = `"a\n\x41\u00e9\/"`

// TestTextsAreReadAsPolyaxonReadsThem compares with PyYAML: it expects the same values,
// keys in the same order, and the same texts refused.
func TestTextsAreReadAsPolyaxonReadsThem(t *testing.T) {
	var texts []string
	known, paths := map[string]bool{}, map[string]string{}
	for _, some := range knownTexts {
		for _, text := range some {
			known[text] = true
			texts = append(texts, text)
		}
	}
	for _, pattern := range []string{filepath.Join("..", "lint", "testdata", "lint", "*", "*.yml"), filepath.Join("..", "fill", "testdata", "fill", "*.yml")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
			paths[string(text)] = path
		}
	}
	for _, scalar := range []string{
		"yes", "Yes", "YES", "yEs", "on", "off", "y", "n", "true", "False", "null", "Null", "~", "", "1", "+1", "-1", "0", "-0", "00", "007", "08", "0o7", "0x1F", "0X1F", "-0x1f",
		"0b11", "0b2", "1_000", "_1", "1_", "1e3", "1.0e3", "1.0e+3", "1.e+3", "1E+3", ".5", "+.5", "-.5", ".5e+1", "1.", "1._", "._1", "1:30", "1:60", "-1:30", "1:2:3", "01:30", "1:30.5",
		"190:20:30.15", "99999999999999999999", "-99999999999999999999", "0x7fffffffffffffffff", "1.5.5", "1-1", "--1", "2021-01-02", "2021-1-2", "2021-13-01", "2021-02-30",
		"2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43", "2001-12-14T21:59:43Z", "2001-12-14 21:59", "2021-01-02T25:00:00", "=", "<<", "'<<'", "<",
		"'a'", "\"a\\n\\x41\\u00e9\\/\"", "\"\\q\"", "'it''s'", "|\n  a\n  b\n", "|-\n  a\n", "|+\n  a\n\n", ">\n  a\n  b\n\n  c\n", "|2\n    a\n", "a b\n  c", "a # b", "a#b", "'a' # b",
		"!!str 1", "!!int '3'", "!!float 3", "!!bool yes", "!!null ''", "!!str", "!foo 1", "!!python/name:os.system", "!!timestamp 2021-01-02", "!!map {b: 1}", "!!seq [b]", "!!str [b]",
		"[]", "{}", "[a, b,]", "[a,, b]", "{a, b}", "{a: 1, b}", "[a: 1, b]", "{a:1}", "{'a':1}", "{\"a\":1}", "[a, [b, [c]]]", "{? a : b}", "[? a : b]", "*x", "&x 1", "&x [1]", "- a", "a: b", "? a",
		"@a", "`a", "%a", "a\tb", "\ta", "\"a\tb\"", "[a,\tb]", "é", "日本", "\u0085", "\u2028", "\ufeff", "a\u0007", "😀", "\"\\U0001F600\"", "a:b", "a:", ":a", "a: ", "http://a:80/b", "-", "- ", "?", "!", "&", "*", "|", ">", "#a", "a,b", "a]b", "{a", "a}",
		"{{ x }}", "\"{{ x }}\"", "'{{ x }}'", "{{ x }}-a", "[{{ x }}]",
	} {
		texts = append(texts, "a: "+scalar+"\n", "a: ["+scalar+", 1]\n", "a: {b: "+scalar+"}\n", scalar+": a\n", "- "+scalar+"\n", "a:\n  "+scalar+"\n")
	}
	texts = append(texts,
		"a: &x {b: 1}\nc: *x\n", "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3, e: 4}\n", "a: &x {b: 1}\nd: &y {b: 2, c: 3}\ne: {f: 0, <<: [*x, *y]}\n", "a: {<<: {b: 1}, <<: {c: 1}}\n", "a: {<<: 1}\n", "<<: {a: 1}\nb: 2\n",
		"a: {\"<<\": {b: 1}}\n", "--- \na: 1\n...\n", "%YAML 1.1\n---\na: 1\n", "%YAML 1.2\n---\na: 1\n", "%YAML 2.0\n---\na: 1\n", "%TAG ! tag:a,2000:\n---\na: 1\n", "---\na: 1\n---\nb: 1\n", "a: 1\n...\nb: 2\n", "# c\na: 1 # d\n# e\n",
		"\ufeffa: 1\n", "a: 1\r\nb: 2\r\n", "a: 1\rb: 2\r", "a:\n- 1\n- 2\n", "a:\n  - 1\n  -  - 2\n", "a:\n b: 1\n  c: 2\n", "a: 1\n b: 2\n", " a: 1\nb: 2\n", "a:\n\t- 1\n", "a: b\n  c: d\n", "a: 'b\n  c'\n", "a: \"b\\\n  c\"\n",
		"\"a\": 1\n'b': 2\n", "a : 1\n", "? a\n: b\n", "? a\n", "a: [\n1,\n2\n]\n", "a: {\nb: 1\n}\n", "a: [1\n", "a: &x\nb: *x\n", "a: *x\nb: &x 1\n", "&x a: *x\n", "a: &x 1\nb: &x 2\nc: *x\n", "{a: 1}\n", "a: 1\n\x00", "a: |\n  b\n c\n", "a: |\nb\n",
	)
	var read []*string
	testenv.Oracle(t, filepath.Join("testdata", "texts.py"), texts, &read)
	different := 0
	for i, text := range texts {
		f, problems := Load("f.yml", []byte(text))
		have := "refused"
		if f.Root() != nil && Errors(problems) == nil {
			written, err := json.Marshal(inOrder(f.Root(), f.place))
			if err != nil {
				t.Fatal(err)
			}
			have = string(written)
		}
		want := "refused"
		if read[i] != nil {
			want = normal(t, *read[i])
		}
		if filepath.Base(filepath.Dir(paths[text])) == "repeated-key" {
			continue
		}
		if have != want && !known[text] {
			different++
			t.Errorf("%q:\nslipway %s\nPyYAML  %s", text, have, want)
		}
	}
	t.Logf("%d of %d differ", different, len(texts))
}

// inOrder converts a value as texts.py does: a mapping becomes the list of its pairs.
func inOrder(value any, p *Place) any {
	switch x := value.(type) {
	case map[string]any:
		pairs := []any{}
		for _, key := range p.Keys {
			below := p.Fields[key]
			written := key
			if below.Spelled != "" {
				written = below.Spelled
			}
			pairs = append(pairs, []any{map[string]any{written: 1}, inOrder(x[key], below)})
		}
		return pairs
	case []any:
		list := []any{}
		for i := range x {
			list = append(list, inOrder(x[i], p.Items[i]))
		}
		return map[string]any{"list": list}
	}
	return value
}

// normal reformats JSON as Go writes it: PyYAML's 1.0 becomes 1.
func normal(t *testing.T, text string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(numbers(value))
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

func numbers(value any) any {
	switch x := value.(type) {
	case json.Number:
		if n, ok := new(big.Int).SetString(x.String(), 10); ok {
			return n
		}
		f, err := strconv.ParseFloat(x.String(), 64)
		if err != nil {
			return x
		}
		return f
	case []any:
		for i := range x {
			x[i] = numbers(x[i])
		}
	case map[string]any:
		for key := range x {
			x[key] = numbers(x[key])
		}
	}
	return value
}
