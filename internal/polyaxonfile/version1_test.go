package polyaxonfile

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var version1 = Version{Major: 1, Minor: 11, Patch: 3}

// TestConversions1 is what Polyaxon 1.11.3 was seen to make of the values of inputs
// of every type.
func TestConversions1(t *testing.T) {
	refused := errors.New("refused")
	hex := strings.Repeat("0123456789abcdef", 2)
	for _, test := range []struct {
		kind        string
		value, want any
	}{
		{"int", "1", 1}, {"int", 1.0, 1}, {"int", "1.0", 1}, {"int", "1e3", 1000}, {"int", " 7 ", 7}, {"int", "1_000", 1000}, {"int", true, 1},
		{"int", 1.5, refused}, {"int", "1.5", refused}, {"int", "abc", refused}, {"int", "", refused}, {"int", "True", refused}, {"int", "0x10", refused}, {"int", []any{1}, refused},
		{"float", "1", 1.0}, {"float", 1, 1.0}, {"float", "1e-3", 0.001}, {"float", " 2 ", 2.0}, {"float", true, 1.0}, {"float", "abc", refused}, {"float", "", refused}, {"metric", "1", 1.0},
		{"bool", true, true}, {"bool", "y", true}, {"bool", "YES", true}, {"bool", "on", true}, {"bool", "1", true}, {"bool", "n", false}, {"bool", "off", false}, {"bool", "0", false},
		{"bool", "", refused}, {"bool", "maybe", refused}, {"bool", 1, refused}, {"bool", 0, refused},
		{"str", "x", "x"}, {"str", 3, "3"}, {"str", 1.5, "1.5"}, {"str", true, "true"}, {"path", []any{1, "a"}, `[1, "a"]`}, {"str", map[string]any{"a": 1}, `{"a": 1}`},
		{"dict", map[string]any{"a": 1}, map[string]any{"a": 1}}, {"dict", `{"a": 1}`, map[string]any{"a": 1}}, {"dict", map[string]any{}, nil}, {"dict", "a", refused}, {"dict", "[1]", refused}, {"dict", 1, refused}, {"metadata", "{a: 1}", refused},
		{"dict_of_dicts", `{"a": {"b": 1}}`, map[string]any{"a": map[string]any{"b": 1}}}, {"dict_of_dicts", map[string]any{"a": 1}, refused},
		{"list", []any{1}, []any{1}}, {"list", "a,b", []any{"a", "b"}}, {"list", "a", []any{"a"}}, {"list", "[1,2]", []any{"[1", "2]"}}, {"list", "", []any{}}, {"list", 1, refused},
		{"uri", "user:pass@host", "user:pass@host"}, {"uri", map[string]any{"user": "u", "host": "h"}, map[string]any{"user": "u", "host": "h"}}, {"uri", "host", refused},
		{"auth", "u:p", "u:p"}, {"auth", "u", refused}, {"gcs", "gs://b/k", "gs://b/k"}, {"gcs", "s3://b/k", refused}, {"gcs", "b/k", refused}, {"s3", "s3://b/k", "s3://b/k"}, {"s3", "gs://b/k", "gs://b/k"}, {"s3", "b/k", refused},
		{"wasb", "wasbs://c@a.blob.core.windows.net/p", "wasbs://c@a.blob.core.windows.net/p"}, {"wasb", "https://a.blob.core.windows.net/c/p", "https://a.blob.core.windows.net/c/p"}, {"wasb", "az://c", "az://c"}, {"wasb", "foo", refused},
		{"date", "2021-01-02", "2021-01-02"}, {"date", "2021-1-2", "2021-1-2"}, {"date", "2021-01-02T03:04:05", refused}, {"date", 1, refused},
		{"datetime", "2021-01-02T03:04:05Z", "2021-01-02T03:04:05Z"}, {"datetime", "2021-01-02 03:04:05", "2021-01-02 03:04:05"}, {"datetime", "x", refused},
		{"uuid", hex, hex}, {"uuid", "12345678-1234-1234-1234-123456789012", "12345678123412341234123456789012"}, {"uuid", "x", refused},
		{"git", map[string]any{"url": "u"}, map[string]any{"url": "u"}}, {"git", `{"url": "u"}`, map[string]any{"url": "u"}}, {"git", "https://u", refused}, {"git", map[string]any{"nope": 1}, refused},
		{"dockerfile", map[string]any{"image": "i"}, map[string]any{"image": "i"}}, {"dockerfile", "i", refused}, {"dockerfile", map[string]any{"run": []any{}}, refused},
		{"artifacts", map[string]any{"files": []any{"a"}}, map[string]any{"files": []any{"a"}}}, {"artifacts", "a", refused}, {"event", map[string]any{"name": "a"}, map[string]any{"name": "a"}}, {"event", "a", refused},
		{"image", "anything", "anything"}, {"image", 1, refused}, {"any", 1, 1}, {"file", map[string]any{"content": "c"}, refused}, {"tensorboard", map[string]any{}, refused}, {"nonsense", 1, refused},
	} {
		have, err := inout{name: "x", kind: test.kind}.convertFor(test.value, version1)
		switch {
		case test.want == refused && err == nil: //nolint:errorlint // the very same value
			t.Errorf("%s took %v as %v", test.kind, test.value, have)
		case test.want != refused && (err != nil || !cmp.Equal(test.want, have)): //nolint:errorlint // the very same value
			t.Errorf("%s made %#v (%v) of %#v", test.kind, have, err, test.value)
		}
	}
	for value, want := range map[string]any{"[1, 2]": []any{1, 2}, "1,2": []any{1, 2}, "1": refused, "a": refused} {
		have, err := inout{name: "x", kind: "int", list: true}.convertFor(value, version1)
		if (want == refused) != (err != nil) || err == nil && !cmp.Equal(want, have) { //nolint:errorlint // the very same value
			t.Errorf("a list of int made %v (%v) of %s", have, err, value)
		}
	}
}

const compiled1YML = `version: 1.1
kind: operation
params: {i: {value: 3}, b: {value: true}, fl: {value: true}}
component:
  inputs:
  - {name: i, type: int}
  - {name: f, type: str, isOptional: true}
  - {name: b, type: bool}
  - {name: fl, type: bool, isFlag: true}
  - {name: A, isOptional: true}
  run:
    kind: job
    container:
      image: a
      args: [ARGS]
      env: [{name: E, value: VALUE}]
`

// TestTemplates1 is what Polyaxon 1.11.3 was seen to make of templates: arguments are
// typed anew. Those that are nothing stay until the pod is made.
func TestTemplates1(t *testing.T) {
	for template, want := range map[string][2]any{
		"{{ TYPO }}":                          {"", ""},
		"{{ globals.nope }}":                  {"", ""},
		"{{ f }}":                             {nil, nil},
		"None":                                {nil, nil},
		"p={{ f }}":                           {"p=None", "p=None"},
		"{{ A or globals.run_outputs_path }}": {"/plx-context/artifacts/u/outputs", "/plx-context/artifacts/u/outputs"},
		"{{ b }}":                             {true, true},
		"{{ params.f.as_arg }}":               {"", ""},
		"{{ params.i.as_arg }}":               {"--i=3", "--i=3"},
		"{{ params.b.as_arg }}":               {"--b=true", "--b=true"},
		"{{ params.fl.as_arg }}":              {"--fl", "--fl"},
		"0x10":                                {16, 16},
		"1e3":                                 {1000.0, 1000.0},
		"True":                                {true, true},
		"007":                                 {"007", "007"},
		"{{ '{{' }}x{{ '}}' }}":               {"", ""},
		"[1, 2]":                              {[]any{1, 2}, []any{1, 2}},
	} {
		quoted, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("ARGS", string(quoted), "VALUE", string(quoted)).Replace(compiled1YML)
		compiled, err := Compile([]byte(text), version1)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		resolved, err := compiled.Resolve(Context{Owner: "o", Project: "p", UUID: "u", Created: time.Unix(0, 0)})
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		container := asMap(asMap(resolved.root["run"])["container"])
		args, _ := container["args"].([]any)
		var arg any
		if len(args) > 0 {
			arg = args[0]
		}
		env, _ := container["env"].([]any)
		if have := [2]any{arg, asMap(env[0])["value"]}; !cmp.Equal(have, want) {
			t.Errorf("%s became %#v, want %#v", template, have, want)
		}
	}
}

// TestParams1 is what Polyaxon 1.11.3 was seen to say of params.
func TestParams1(t *testing.T) {
	const head = "version: 1.1\nkind: operation\ncomponent: {inputs: [{name: x, type: int}, {name: y, type: int, isOptional: true}], run: {kind: job, container: {image: a}}}\n"
	for params, want := range map[string]string{
		"":                          "The Polyaxonfile has non optional inputs/outputs, you need to pass valid params",
		"params: {y: {value: 1}}\n": "Input x is required, no param was passed.",
		"params: {x: {value: 1}, FOO: {value: 1}}\n":                    "Received unexpected params `{'FOO'}`",
		"params: {x: {value: abc}}\n":                                   "Cannot convert value `abc`",
		"params: {x: {value: 1}, FOO: {value: 1, contextOnly: true}}\n": "",
		"params: {x: {value: 1}}\n":                                     "",
		"params: {x: {value: a.b.c.d, ref: ops.A}}\n":                   "Could not parse value",
		"params: {x: {value: outputs.a, ref: nowhere}}\n":               "Could not parse ref",
	} {
		compiled, err := Compile([]byte(head+params), version1)
		if err == nil {
			_, err = compiled.Resolve(Context{UUID: "u"})
		}
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", params, err, want)
		}
	}
}

// TestRefused1 are files that 1.11.3 does not take and 2.18 does.
func TestRefused1(t *testing.T) {
	for _, text := range []string{
		"kind: component\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: component\nnamespace: a\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: component\nrun: {kind: service, replicas: 2}\n",
		"version: 1.1\nkind: component\ninputs: [{name: x, type: int, value: 1, isOptional: true, validation: {gt: 0}}]\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: operation\nparams: {x: 3}\ncomponent: {inputs: [{name: x}], run: {kind: job, container: {image: a}}}\n",
	} {
		if _, err := Compile([]byte(text), version1); err == nil {
			t.Errorf("1.11.3 took %s", text)
		}
		if _, err := Compile([]byte(text), Newest()); err != nil {
			t.Errorf("2.18 refused %s: %v", text, err)
		}
	}
}
