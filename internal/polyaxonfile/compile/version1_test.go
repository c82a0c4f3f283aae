package compile

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

var version1 = schema.Version{Major: 1, Minor: 11, Patch: 3}

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

// TestTemplates1 checks templates against what Polyaxon 1.11.3 was observed to make of
// them. Arguments are typed anew. Null arguments stay until the pod is created.
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
		compiled, err := Operation([]byte(text), version1)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		resolved, err := compiled.Resolve(Context{Owner: "o", Project: "p", UUID: "u", Created: time.Unix(0, 0)})
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		container := plain.Map(plain.Map(resolved.root["run"])["container"])
		args, _ := container["args"].([]any)
		var arg any
		if len(args) > 0 {
			arg = args[0]
		}
		env, _ := container["env"].([]any)
		if have := [2]any{arg, plain.Map(env[0])["value"]}; !cmp.Equal(have, want) {
			t.Errorf("%s became %#v, want %#v", template, have, want)
		}
	}
}

// TestParams1 checks params against what Polyaxon 1.11.3 was observed to report.
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
		compiled, err := Operation([]byte(head+params), version1)
		if err == nil {
			_, err = compiled.Resolve(Context{UUID: "u"})
		}
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", params, err, want)
		}
	}
}

// TestRefused1 checks files that 1.11.3 refuses and 2.18 accepts.
func TestRefused1(t *testing.T) {
	for _, text := range []string{
		"kind: component\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: component\nnamespace: a\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: component\nrun: {kind: service, replicas: 2}\n",
		"version: 1.1\nkind: component\ninputs: [{name: x, type: int, value: 1, isOptional: true, validation: {gt: 0}}]\nrun: {kind: job, container: {image: a}}\n",
		"version: 1.1\nkind: operation\nparams: {x: 3}\ncomponent: {inputs: [{name: x}], run: {kind: job, container: {image: a}}}\n",
	} {
		if _, err := Operation([]byte(text), version1); err == nil {
			t.Errorf("1.11.3 took %s", text)
		}
		if _, err := Operation([]byte(text), schema.Newest()); err != nil {
			t.Errorf("2.18 refused %s: %v", text, err)
		}
	}
}
