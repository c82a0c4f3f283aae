package polyaxonfile

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
)

var update = flag.Bool("update", false, "write the golden files")

func TestScalarsOfYAML11(t *testing.T) {
	// As PyYAML 6 reads them, which Polyaxon reads with.
	for text, want := range map[string]any{
		"yes": true, "off": false, "1e3": "1e3", "1.0e+3": 1000.0, "1:30": 90, "0o10": "0o10", "010": 8, "0x1f": 31, "1_000": 1000,
		"~": nil, "2026-11-23": "2026-11-23", ".5": 0.5, "y": "y", "'1'": "1", "-3": -3, "007": 7, "08": "08",
	} {
		f, err := Parse("f.yml", []byte("version: 1.1\nkind: component\ncost: 1\nname: n\ninputs: [{name: x, value: "+text+"}]\nrun: {kind: job}\n"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, readIO(f.root, "inputs")[0].value); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

const trainYML = `version: 1.1
kind: component
name: train
inputs:
- {name: DOCKER_IMAGE, type: str}
- {name: EPOCHS, type: int, value: 3, isOptional: true}
- {name: RATE, type: float}
- {name: NOTE, type: str, isOptional: true}
run:
  kind: job
  connections: [fstore-pvc]
  container:
    image: "{{ DOCKER_IMAGE }}"
    env: [{name: RATE, value: "{{ RATE }}"}]
    args: ["--epochs={{ EPOCHS }}", "{{ NOTE }}", "--out={{ globals.run_outputs_path }}"]
    resources: {requests: {cpu: 1, nvidia.com/gpu: 2}}
`

func fill() Fill {
	gpus := 1
	return Fill{Name: "train", Image: "r/i@sha256:x", Params: map[string]any{"RATE": 0.5}, GPU: &gpus, Timeout: time.Hour,
		ParamsAt: func(string) source.Position { return source.Position{File: "slipway.yaml", Line: 7, Column: 3} }}
}

func TestOperationAndCompilation(t *testing.T) {
	f, err := Parse("train.yml", []byte(trainYML))
	if err != nil {
		t.Fatal(err)
	}
	operation, err := f.Operation(fill())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "operation.yml", operation.YAML())
	if again, err := f.Operation(fill()); err != nil || string(again.JSON()) != string(operation.JSON()) {
		t.Errorf("the same operation has other bytes: %v", err)
	}
	compiled, err := Compile(operation.JSON(), Version{})
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := compiled.Resolve(Context{
		Owner: "default", Project: "p", Name: "train", UUID: "u", Namespace: "n", ArtifactsRoot: "/plx-context/artifacts",
		Created:     time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Connections: map[string]Connection{"fstore-pvc": {Schema: map[string]any{"mountPath": "/polyaxon-v1-data"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var indented any
	if err := json.Unmarshal(resolved.JSON(), &indented); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(indented, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compiled.json", text)
	pod, err := resolved.Pod()
	if err != nil {
		t.Fatal(err)
	}
	if pod.Termination.Timeout != 3600 || len(pod.Container.Args) != 2 || pod.Container.Env[0].Value != "0.5" {
		t.Errorf("timeout %d, args %q, env %v", pod.Termination.Timeout, pod.Container.Args, pod.Container.Env)
	}
}

func golden(t *testing.T, name string, have []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s (-update writes it)", diff)
	}
}

func TestParams(t *testing.T) {
	f, err := Parse("train.yml", []byte(trainYML))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		params map[string]any
		want   string
	}{
		"missing":    {map[string]any{}, "train.yml:7:3: the input RATE needs a value, and train gives none (add it to params of train)"},
		"unknown":    {map[string]any{"RATE": 1, "EPOCH": 2}, "slipway.yaml:7:3: train.yml takes no param EPOCH (did you mean EPOCHS?)"},
		"wrong type": {map[string]any{"RATE": "fast"}, "slipway.yaml:7:3: the param RATE does not fit: the input's type is float, and 'fast' is none"},
	} {
		t.Run(name, func(t *testing.T) {
			with := fill()
			with.Params = test.params
			_, err := f.Operation(with)
			if err == nil || err.Error() != test.want {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "f.yml:1:1: is empty",
		"a: [":                             "f.yml:1:5: the bracket [ of line 1 is not closed",
		"a\x00":                            "f.yml:1:1: is not text in UTF-8",
		"- a\n":                            "f.yml:1:1: must be a mapping with kind: component or kind: operation",
		"kind: thing\n":                    "f.yml:1:7: kind is component or operation, not \"thing\"",
		"kind: component\n":                "f.yml:1:1: the component needs run",
		"run: {kind: jab}\n":               "f.yml:1:13: jab is no kind of run (did you mean job?)",
		"run: {}\n":                        "f.yml:1:6: run needs kind (a program that ends is a job, one that serves a service)",
		"name: a b\nrun: {kind: job}\n":    "f.yml:1:7: \"a b\" is no name (use letters, digits, - and _)",
		"run: {kind: job, containr: {}}\n": "f.yml:1:18: run has no key containr (did you mean container?)",
		"run: {kind: job, container: {imagee: x}}\n":                        "f.yml:1:30: run.container has no key imagee (did you mean image?)",
		"run: {kind: job, container: {env: {A: b}}}\n":                      "f.yml:1:35: run.container.env must be a list, not a mapping (write each as - {name: NAME, value: \"VALUE\"})",
		"run: {kind: job, container: {command: {a: b}}}\n":                  "f.yml:1:39: run.container.command must be a list, not a mapping",
		"run: {kind: job, container: {resources: {limits: {cpu: lots}}}}\n": "f.yml:1:56: run.container.resources.limits.cpu is no quantity: lots (write it as 500m, 2, 512Mi or 4Gi)",
		"run: {kind: job}\nrun: {kind: job}\n":                              "f.yml:2:1: key run is repeated (remove one of them; Polyaxon would silently take the last)",
		"inputs: [{name: x, type: itn}]\nrun: {kind: job}\n":                "f.yml:1:26: itn is no type of an input or output (did you mean int?)",
		"kind: operation\nhubRef: x\n":                                      "f.yml:2:9: hubRef is not resolved (servers do not follow it: name a file that slipway reads, or put the component here)",
		"kind: operation\n":                                                 "f.yml:1:1: an operation needs a component, or a pathRef to one",
		"run: {kind: job}\n---\nrun: {kind: job}\n":                         "f.yml:2:1: has a second document (---); one is allowed (make two files of them)",
	} {
		if _, err := Parse("f.yml", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q:\nhave %v\nwant %s", text, err, want)
		}
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for letter := 'b'; letter < 'j'; letter++ {
		bomb += string(letter) + ": &" + string(letter) + " [" + strings.Repeat("*"+string(letter-1)+", ", 9) + "*" + string(letter-1) + "]\n"
	}
	if _, err := Parse("f.yml", []byte(bomb)); err == nil {
		t.Error("an alias bomb was read")
	}
	if _, err := Parse("f.yml", []byte(strings.Repeat("{a: ", 5000))); err == nil {
		t.Error("a deep file was read")
	}
}

func TestPathRef(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("train.yml", trainYML)
	f, err := Reader{}.Read(t.Context(), write("op.yml", "version: 1.1\nkind: operation\npathRef: ./train.yml\nparams: {RATE: {value: 1}, DOCKER_IMAGE: {value: i}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Operation(Fill{Name: "op"}); err != nil {
		t.Error(err)
	}
	if _, err := (Reader{}).Read(t.Context(), write("loop.yml", "kind: operation\npathRef: ./loop.yml\n")); err == nil {
		t.Error("a pathRef to itself was read")
	}
	if _, err := (Reader{}).Read(t.Context(), write("lost.yml", "kind: operation\npathRef: ./nothing.yml\n")); err == nil || !strings.Contains(err.Error(), "no such Polyaxonfile") {
		t.Errorf("a pathRef to nothing: %v", err)
	}
}

func TestComponents(t *testing.T) {
	if len(components.Names()) < 7 {
		t.Errorf("there are %v", components.Names())
	}
	for _, name := range components.Names() {
		text, err := components.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		fill := Fill{Name: name, Image: "r/i@sha256:x", Params: map[string]any{}}
		if slices.Contains(f.Inputs(), "COMMAND") {
			fill.Params["COMMAND"] = []any{"python", "train.py"}
		}
		operation, err := f.Operation(fill)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := Compile(operation.JSON(), Version{})
		if err != nil {
			t.Fatal(err)
		}
		if compiled.Schedule() != "" {
			continue // its runs are made by the server
		}
		resolved, err := compiled.Resolve(Context{Connections: map[string]Connection{"fstore-pvc": {}}})
		if err != nil {
			t.Fatal(err)
		}
		pod, err := resolved.Pod()
		if err != nil {
			t.Fatal(err)
		}
		if pod.Container.Image != "r/i@sha256:x" || fill.Params["COMMAND"] != nil && !cmp.Equal(pod.Container.Command, []string{"python", "train.py"}) {
			t.Errorf("%s runs %q in %s", name, pod.Container.Command, pod.Container.Image)
		}
	}
}

// What the sandbox runs is what 2.18's converter makes: arguments that are nothing or
// empty are left out, variables are JSON, and params that become variables come last.
func TestPodOfFlags(t *testing.T) {
	text := `version: 1.1
kind: component
inputs:
- {name: shuffle, type: bool, isFlag: true, value: false, isOptional: true}
- {name: lr, type: float, value: 1.0e-05, isOptional: true, toEnv: LR}
- {name: opt, type: str, isOptional: true}
run:
  kind: job
  sidecars: [{name: s, image: "s:1", args: ["", 0]}]
  init: [{container: {name: i, image: "i:1", args: [null, x]}}]
  container:
    image: a:1
    command: [/bin/prog]
    args: ["{{ params.shuffle.as_arg }}", "{{ params.opt.as_arg }}", --a, true, "", "{{ opt }}", "{{ params.lr.as_arg }}", "{{ lr }}", "{% if shuffle %}--s{% endif %}"]
    env: [{name: C, value: "{{ lr }}"}, {name: L, value: "[1, 2]"}, {name: N, value: "None"}, {name: F, value: "False"}, {name: E, value: ""}]
`
	compiled, err := Compile([]byte(text), Newest())
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := compiled.Resolve(Context{UUID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	pod, err := resolved.Pod()
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, e := range pod.Container.Env {
		env = append(env, e.Name+"="+e.Value)
	}
	have := [][]string{pod.Container.Args, env, pod.Init[0].Args, pod.Sidecars[0].Args}
	want := [][]string{
		{"--a", "True", "--lr=0.00001", "1e-05"}, {"C=0.00001", "L=[1,2]", "N=null", "F=false", "E=", "LR=0.00001", "NVIDIA_VISIBLE_DEVICES=none"}, {"x"}, {"0"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(trainYML)
	f.Add("kind: operation\ncomponent: {run: {kind: service, ports: [1]}}\nparams: {x: 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("f.yml", []byte(text))
		if err != nil {
			return
		}
		file.Validate(Version{Major: 1, Minor: 11, Patch: 3})
		if operation, err := file.Operation(fill()); err == nil {
			if compiled, err := Compile(operation.JSON(), Version{}); err == nil {
				_, _ = compiled.Resolve(Context{})
			}
		}
	})
}
