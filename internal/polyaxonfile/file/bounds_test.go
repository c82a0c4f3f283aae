package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func utf16Text(text string, big bool) string {
	var b strings.Builder
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		pair := []byte{byte(unit), byte(unit >> 8)}
		if big {
			pair[0], pair[1] = pair[1], pair[0]
		}
		b.Write(pair)
	}
	return b.String()
}

// bomb returns a short text that expands to width^depth values.
func bomb(width, depth int) string {
	text := "a0: &a0 [x]\n"
	for i := 1; i <= depth; i++ {
		text += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), width), ", "))
	}
	return text
}

// TestBadTexts checks that each text yields one clear error, quickly and in little
// memory.
func TestBadTexts(t *testing.T) {
	const run = "run: {kind: job}\n"
	for name, test := range map[string]struct{ text, want string }{
		"empty":            {"", "f.yml:1:1: is empty"},
		"comments":         {"# nothing\n", "f.yml:1:1: is empty"},
		"too large":        {strings.Repeat("#", file.MaxSize+1), "f.yml:1:1: is larger than 4 MiB, the limit for a Polyaxonfile"},
		"a binary":         {"\x7fELF\x00\x00", "f.yml:1:1: is not valid UTF-8"},
		"latin 1":          {"description: caf\xe9\n" + run, "f.yml:1:1: is not valid UTF-8"},
		"utf-16":           {utf16Text(run, false), "f.yml:1:1: is not valid UTF-8"},
		"utf-16 big":       {utf16Text(run, true), "f.yml:1:1: is not valid UTF-8"},
		"control sign":     {"description: \"a\x01\"\n" + run, "f.yml:1:16: there is a control character, U+0001 (remove it, or write it as an escape in double quotes)"},
		"no mapping":       {"- a\n", "f.yml:1:1: must be a mapping with kind: component or kind: operation"},
		"open list":        {"a: [\n", "f.yml:2:1: the bracket [ of line 1 is not closed"},
		"tab indents":      {"run:\n\tkind: job\n", "f.yml:2:1: there is a tab, which YAML does not allow for indentation or as a separator (use spaces)"},
		"bare template":    {"run: {kind: job}\nname: {{ NAME }}\n", `f.yml:2:7: a text that begins with {{ must be in quotes (write "{{ NAME }}")`},
		"bare templates":   {"name: {{ NAME }}-a\n" + run, "f.yml:1:17: there is something else after the value (the text in line 1 begins with {{: put it in quotes)"},
		"bare block":       {"tags: ['{{ A }}', {% if a %}]\n" + run, "f.yml:1:20: a text cannot begin with % (the text in line 1 begins with {%: put it in quotes)"},
		"tab after colon":  {"run:\t{kind: job}\n", "f.yml:1:5: there is a tab, which YAML does not allow for indentation or as a separator (use spaces)"},
		"tab in a text":    {"description: a\tb\n" + run, "f.yml:1:15: there is a tab, which YAML does not allow for indentation or as a separator (use spaces)"},
		"two documents":    {run + "---\n" + run, "f.yml:2:1: has a second document (---); only one is allowed (split it into two files)"},
		"repeated key":     {run + run, "f.yml:2:1: duplicate key run (remove one of them; Polyaxon would silently use the last)"},
		"repeated true":    {"inputs: [{name: a, value: {on: 1, true: 2}}]\n" + run, "f.yml:1:35: duplicate key true (remove one of them; Polyaxon would silently use the last)"},
		"key of a list":    {"? [a]\n: b\n" + run, "f.yml:1:3: a key must be text, not a list or a mapping"},
		"unknown alias":    {"a: *b\n", "f.yml:1:4: the alias *b is undefined: there is no anchor &b above (put the text in quotes, unless it is meant for an alias)"},
		"cyclic alias":     {"a: &a [1, *a]\n", "f.yml:1:11: the alias *a refers to a value that contains it"},
		"second document":  {run + "...\nb: 1\n", "f.yml:3:1: nothing is allowed here: the value above is complete"},
		"indent":           {" a: 1\nb: 2\n", "f.yml:2:1: is indented by 0 spaces, but its siblings by 1"},
		"anchor twice":     {"description: &a b\nname: &a c\n" + run, "f.yml:2:7: duplicate anchor &a, first in line 1 (give them two names)"},
		"key no date":      {"inputs: [{name: a, value: {2021-13-01: b}}]\n" + run, "f.yml:1:28: invalid date: 2021-13-01"},
		"cyclic mapping":   {"a: &a {b: {c: *a}}\n", "f.yml:1:15: the alias *a refers to a value that contains it"},
		"wrong merge":      {"<<: a\n" + run, "f.yml:1:5: << must be a mapping or a list of mappings"},
		"tag":              {"run: !!python/object:os.system {kind: job}\n", "f.yml:1:6: the tag !!python/object:os.system is not supported by Polyaxon"},
		"no date":          {"inputs: [{name: a, value: 2021-13-01}]\n" + run, "f.yml:1:27: invalid date: 2021-13-01"},
		"lone equals sign": {"inputs: [{name: a, value: =}]\n" + run, "f.yml:1:27: a lone = must be in quotes"},
		"infinity":         {"inputs: [{name: a, value: .inf}]\n" + run, "f.yml:1:27: .inf is not a valid number in JSON (write the text in quotes)"},
		"alias bomb":       {bomb(10, 9), "f.yml:1:10: is nested too deeply, or too large when its aliases are expanded"},
		"alias bomb, slow": {bomb(2, 60), "f.yml:1:10: is nested too deeply, or too large when its aliases are expanded"},
		"bomb of text":     {"a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 100) + "]\n", "f.yml:1:4: is nested too deeply, or too large when its aliases are expanded"},
		"too many values":  {"a: [" + strings.Repeat("1,", file.MaxNodes) + "]\n", ": is nested too deeply, or too large when its aliases are expanded"},
		"deep":             {strings.Repeat("{a: ", 200) + strings.Repeat("}", 200), "f.yml:1:405: is nested too deeply, or too large when its aliases are expanded"},
		"very deep":        {strings.Repeat("[", 100_000), "f.yml:1:1: is not valid YAML: exceeded max depth of 10000"},
		"deep blocks":      {strings.Repeat("- ", 100_000) + "a", "f.yml:1:1: is not valid YAML: exceeded max depth of 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := check.Parse("f.yml", []byte(test.text))
			if err == nil || err.Error() != test.want && (test.want[0] != ':' || !strings.HasSuffix(err.Error(), test.want)) {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestGoodTexts checks texts that PyYAML reads and other parsers refuse.
func TestGoodTexts(t *testing.T) {
	for name, text := range map[string]string{
		"byte order mark":  "\ufeffkind: component\nrun: {kind: job}\n",
		"windows":          "kind: component\r\nrun:\r\n  kind: job\r\n",
		"YAML 1.2":         "%YAML 1.2\n---\nkind: component\nrun: {kind: job}\n",
		"directives":       "%YAML 1.1\n---\nkind: component\nrun: {kind: job}\n...\n",
		"json":             "{\n\t\"kind\": \"component\",\n\t\"run\": {\"kind\": \"job\"}\n}\n",
		"merge":            "kind: component\ninputs: [&x {name: a, type: int}, {<<: *x, name: b}, {<<: [*x, {description: d}], name: c}]\nrun: {kind: job}\n",
		"repeated alias":   "kind: component\ninputs: [{name: a, value: &v [1]}, {name: b, value: *v}]\nrun: {kind: job}\n",
		"tabs in a script": "kind: component\nrun:\n  kind: job\n  container:\n    args:\n    - |\n      if true; then\n      \techo \"a\tb\"\n      fi\n",
		"tab in quotes":    "kind: component\ndescription: \"a\tb\"\nrun: {kind: job}\n",
		"tab in a comment": "kind: component # a\tb\nrun: {kind: job}\n",
		"null sections":    "kind: component\nplugins:\ntermination: ~\nrun: {kind: job, environment: }\n",
	} {
		if _, err := check.Parse("f.yml", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMergedKeysStandFirst(t *testing.T) {
	f, problems := file.Load("f.yml", []byte("a: &a {x: 1, y: 2}\nb: {y: 3, z: 4, <<: *a}\n"))
	if err := file.Errors(problems); err != nil {
		t.Fatal(err)
	}
	if have := fmt.Sprint(f.Keys("b"), f.Root()["b"]); have != "[x y z] map[x:1 y:3 z:4]" {
		t.Errorf("have %s", have) // same as PyYAML
	}
	if at := f.AtKey("b", "x"); at.Line != 1 || at.Column != 8 {
		t.Errorf("x comes from %s", at)
	}
}

// TestHugeFile checks that a file of 50 MB is not read beyond the limit.
func TestHugeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.yml")
	huge, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := huge.Truncate(50 << 20); err != nil {
		t.Fatal(err)
	}
	if err := huge.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = check.Read(t.Context(), file.Reader{}, path)
	if want := path + ":1:1: is larger than 4 MiB, the limit for a Polyaxonfile"; err == nil || err.Error() != want {
		t.Errorf("have %v\nwant %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := check.Read(ctx, (file.Reader{}), path); err == nil || err.Error() != context.Canceled.Error() {
		t.Errorf("cancelled, it gives %v", err)
	}
}

func TestLinesAndComments(t *testing.T) {
	f, _ := file.Load("f.yml", []byte("# first\n\n# second\n#third\nrun: # of the run\n  kind: 'a # b' # kinds\n  name: a#b\n  x: \"\\\"# c\"  #d\n"))
	for line, want := range map[int]string{1: "[first]", 2: "[first]", 5: "[of the run third second]", 6: "[kinds]", 7: "[]", 8: "[d]", 9: "[]", 99: "[]"} {
		at := f.At()
		at.Line = line
		if have := fmt.Sprint(f.Comments(at)); have != want {
			t.Errorf("line %d has %s, want %s", line, have, want)
		}
	}
	if at := f.At("run", "name"); f.Line(at) != "  name: a#b" {
		t.Errorf("the line at %s is %q", at, f.Line(at))
	}
}
