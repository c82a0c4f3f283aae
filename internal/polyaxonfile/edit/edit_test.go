package edit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const job = `# A job
version: 1.1
kind: component   # not an operation
inputs:
- name: "RATE"
  type: float
- {name: NOTE, type: str}

run:
  kind: job
  # where it runs
  environment:
    tolerations:
      - key: spot  # cheap
        operator: Exists
  container:
    image: 'busybox:1.36'
    command: [sh, -c]
    args:
      - |
        echo "a: b"
        exit 0
    resources:
      requests: {cpu: 1, nvidia.com/gpu: 2}   # two
      limits:
        nvidia.com/gpu: 2
`

func TestApply(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		edits []Edit
		want  string
	}{
		"a quoted scalar": {job, []Edit{Set("r/i@sha256:x", "run", "container", "image")},
			strings.Replace(job, "'busybox:1.36'", "'r/i@sha256:x'", 1)},
		"a scalar with a comment": {job, []Edit{Set("operation", "kind")}, strings.Replace(job, "kind: component ", "kind: operation ", 1)},
		"a double-quoted one":     {job, []Edit{Set("yes", "inputs", "0", "name")}, strings.Replace(job, `"RATE"`, `"yes"`, 1)},
		"text that looks like something else": {job, []Edit{Set("1e3", "inputs", "0", "type"), Set("on", "inputs", "1", "type")},
			strings.NewReplacer("type: float", `type: "1e3"`, "type: str", `type: "on"`).Replace(job)},
		"a number": {job, []Edit{Set(1e-5, "version")}, strings.Replace(job, "1.1", "1.0e-05", 1)},
		"in flow style": {job, []Edit{Set(4, "run", "container", "resources", "requests", "memory"), Delete("run", "container", "resources", "requests", "cpu")},
			strings.Replace(job, "{cpu: 1, nvidia.com/gpu: 2}", "{nvidia.com/gpu: 2, memory: 4}", 1)},
		"the last key of a block": {job, []Edit{Delete("run", "container", "resources", "limits", "nvidia.com/gpu")},
			strings.Replace(job, "      limits:\n        nvidia.com/gpu: 2\n", "      limits: {}\n", 1)},
		"a key with all below it":     {job, []Edit{Delete("run", "container", "resources")}, job[:strings.Index(job, "    resources:")]},
		"an element":                  {job, []Edit{Delete("inputs", "0")}, strings.Replace(job, "- name: \"RATE\"\n  type: float\n", "", 1)},
		"the first key behind a dash": {job, []Edit{Delete("inputs", "0", "name")}, strings.Replace(job, "- name: \"RATE\"\n  type: float\n", "- type: float\n", 1)},
		"an element at the end": {job, []Edit{Insert(map[string]any{"key": "nvidia.com/gpu", "operator": "Exists"}, "run", "environment", "tolerations", "-")},
			strings.Replace(job, "        operator: Exists\n", "        operator: Exists\n      - key: nvidia.com/gpu\n        operator: Exists\n", 1)},
		"an element as its neighbour is": {job, []Edit{Insert(map[string]any{"name": "SIZE", "type": "int"}, "inputs", "-")},
			strings.Replace(job, "type: str}\n", "type: str}\n- {name: SIZE, type: int}\n", 1)},
		"an element at the begin": {job, []Edit{Insert("true", "run", "container", "command", "0"), Insert("x", "run", "container", "args", "0")},
			strings.NewReplacer("[sh, -c]", `["true", sh, -c]`, "      - |\n", "      - x\n      - |\n").Replace(job)},
		"keys that are not there": {job, []Edit{Set([]any{"a"}, "run", "plugins", "list"), Set(map[string]any{"a": 1}, "x")},
			job + "  plugins:\n    list:\n      - a\nx:\n  a: 1\n"},
		"a block of text": {job, []Edit{Set("one\ntwo\n", "run", "container", "args", "0")},
			strings.Replace(job, "        echo \"a: b\"\n        exit 0\n", "        one\n        two\n", 1)},
		"a list by a scalar": {job, []Edit{Set("{{ COMMAND }}", "run", "container", "args")},
			strings.Replace(job, "    args:\n      - |\n        echo \"a: b\"\n        exit 0\n", "    args: \"{{ COMMAND }}\"\n", 1)},
		"a scalar by a block": {job, []Edit{Set(map[string]any{"a": []any{1}}, "kind")},
			strings.Replace(job, "kind: component   # not an operation\n", "kind:   # not an operation\n  a:\n    - 1\n", 1)},
		"another name": {job, []Edit{Rename("title", "inputs", "1", "name"), Rename("parameters", "inputs")},
			strings.NewReplacer("inputs:", "parameters:", "{name: NOTE", "{title: NOTE").Replace(job)},
		"the same again":           {job, []Edit{Set("component", "kind"), Delete("version"), Set(1.1, "version")}, strings.Replace(job, "version: 1.1\n", "", 1) + "version: 1.1\n"},
		"no line break at the end": {"a: 1\nb: 2", []Edit{Set(3, "c"), Delete("b")}, "a: 1\nc: 3"},
		"the last line":            {"a: 1\nb: 2", []Edit{Delete("b")}, "a: 1"},
		"CRLF":                     {"a: 1\r\nb:\r\n- x # y\r\n", []Edit{Insert("z", "b", "-"), Set("v", "c")}, "a: 1\r\nb:\r\n- x # y\r\n- z\r\nc: v\r\n"},
		"a byte order mark":        {"\ufeffa: 1\nb: 2\n", []Edit{Set(2, "a"), Delete("a")}, "\ufeffb: 2\n"},
		"other letters":            {"ä: {ö: 'ü', x: 1}\n", []Edit{Set("é", "ä", "ö"), Set(2, "ä", "x")}, "ä: {ö: 'é', x: 2}\n"},
		"an empty value":           {"a:\nb:   # none\nc: 1\n", []Edit{Set(1, "a"), Set("x", "b", "z")}, "a: 1\nb:   # none\n  z: x\nc: 1\n"},
		"JSON": {"{\n  \"a\": 1,\n  \"b\": [1, 2]\n}\n", []Edit{Set(map[string]any{"x": "y"}, "c"), Delete("a"), Insert(3, "b", "-")},
			"{\n  \"b\": [1, 2, 3],\n  \"c\": {\"x\": \"y\"}\n}\n"},
		"the last of JSON":                {"{\n  \"a\": 1,\n  \"b\": 2\n}\n", []Edit{Delete("b")}, "{\n  \"a\": 1\n}\n"},
		"an alias":                        {"a: &x {k: 1}\nb: *x\n", []Edit{Set(2, "b", "k")}, "a: &x {k: 1}\nb:\n  k: 2\n"},
		"a merge":                         {"a: &x {k: {l: 1, m: 2}}\nb:\n  <<: *x\n  z: 1\n", []Edit{Set(3, "b", "k", "l")}, "a: &x {k: {l: 1, m: 2}}\nb:\n  <<: *x\n  z: 1\n  k:\n    l: 3\n    m: 2\n"},
		"an anchor that nobody uses":      {"a: &x 1\n", []Edit{Set(2, "a")}, "a: 2\n"},
		"below an anchor":                 {"a: &x\n  k: 1 # one\n", []Edit{Set(2, "a", "k")}, "a: &x\n  k: 2 # one\n"},
		"braces with blanks":              {"a: { b: 1 }\nc: {}\n", []Edit{Set(2, "a", "d"), Set(1, "c", "e"), Delete("a", "b")}, "a: { d: 2 }\nc: { e: 1 }\n"},
		"a list of lists":                 {"a:\n  - - 1\n    - 2\n", []Edit{Insert(3, "a", "0", "-"), Delete("a", "0", "0")}, "a:\n  - - 2\n    - 3\n"},
		"a large number":                  {"a: 123456789012345678901234567890\nb: 1\n", []Edit{Set(2, "b")}, "a: 123456789012345678901234567890\nb: 2\n"},
		"four blanks":                     {"a:\n    b:\n        c: 1\n", []Edit{Set(map[string]any{"x": map[string]any{"z": 1}}, "a", "d")}, "a:\n    b:\n        c: 1\n    d:\n        x:\n            z: 1\n"},
		"a comment in brackets":           {"a: [1, # one\n  2, # two\n  3]\n", []Edit{Delete("a", "1"), Insert(4, "a", "-")}, "a: [1, # one\n  # two\n  3,\n  4]\n"},
		"folded words":                    {"a: one\n  two\n  three # c\nb: 1\n", []Edit{Set("x", "a")}, "a: x # c\nb: 1\n"},
		"a text block that keeps its end": {"a: |+\n  x\n\nb: 1\n", []Edit{Set("y", "a")}, "a: |-\n  y\nb: 1\n"},
		"a comment after a text block":    {"a:\n  b: |\n    x\n  # mine\nc: 1\n", []Edit{Delete("a", "b")}, "a: {}\n  # mine\nc: 1\n"},
		"a whole document":                {"a: 1\n", []Edit{Delete("a")}, "{}\n"},
		"a mapping by its difference":     {job, Diff(map[string]any{"a": []any{1, 2, 3}, "b": 1}, map[string]any{"a": []any{1, 2, 3}, "b": 1}), job},
	} {
		t.Run(name, func(t *testing.T) {
			have, err := Apply([]byte(test.text), test.edits...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(have)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		edit Edit
		want string
	}{
		"no such key":      {job, Delete("run", "nothing"), "edit run.nothing: key nothing not found"},
		"no such element":  {job, Set(1, "inputs", "7"), "the list has no such element"},
		"below a scalar":   {job, Set(1, "kind", "x"), "the value above it is neither a mapping nor a list"},
		"no list":          {job, Insert(1, "run", "-"), "is not a list"},
		"a name in use":    {job, Rename("run", "kind"), "key run already exists"},
		"an anchor in use": {"a: &x 1\nb: *x\n", Set(2, "a"), "cannot be edited there"},
		"a merged key":     {"a: &x {k: 1}\nb: {<<: *x}\n", Delete("b", "k"), "merge key"},
		"no YAML":          {"a: [", Set(1, "a"), "did not find expected"},
		"two documents":    {"a: 1\n---\nb: 1\n", Set(1, "a"), "second document"},
		"repeated keys":    {"a: 1\na: 2\n", Set(1, "a"), "duplicate key a"},
		"another type":     {"a: 1\n", Set(struct{}{}, "a"), "cannot be written"},
		"old line breaks":  {"a: 1\rb: 1\r", Set(2, "a"), "line breaks"},
		"an alias bomb":    {"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", Set(1, "a"), "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			have, err := Apply([]byte(test.text), test.edit)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and %q, want %s", err, have, test.want)
			}
		})
	}
}
