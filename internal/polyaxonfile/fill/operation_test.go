package fill

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
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
)

var update = flag.Bool("update", false, "write the golden files")

func fill() Fill {
	gpus := 1
	return Fill{Name: "train", Image: "r/i@sha256:x", Params: map[string]any{"RATE": 0.5}, GPU: &gpus, Timeout: time.Hour,
		ParamsAt: func(string) source.Position { return source.Position{File: "slipway.yaml", Line: 7, Column: 3} }}
}

func TestOperationAndCompilation(t *testing.T) {
	f, err := check.Parse("train.yml", []byte(polyaxonfiletest.Train))
	if err != nil {
		t.Fatal(err)
	}
	operation, err := Operation(f, fill())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "operation.yml", operation.YAML())
	if again, err := Operation(f, fill()); err != nil || string(again.JSON()) != string(operation.JSON()) {
		t.Errorf("the same operation has other bytes: %v", err)
	}
	compiled, err := compile.Operation(operation.JSON(), schema.Version{})
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := compiled.Resolve(compile.Context{
		Owner: "default", Project: "p", Name: "train", UUID: "u", Namespace: "n", ArtifactsRoot: "/plx-context/artifacts",
		Created:     time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Connections: map[string]compile.Connection{"fstore-pvc": {Schema: map[string]any{"mountPath": "/polyaxon-v1-data"}}},
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
	f, err := check.Parse("train.yml", []byte(polyaxonfiletest.Train))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		params map[string]any
		want   string
	}{
		"missing":    {map[string]any{}, "train.yml:7:3: the input RATE is required, and train does not set it (add it to params of train)"},
		"unknown":    {map[string]any{"RATE": 1, "EPOCH": 2}, "slipway.yaml:7:3: the input EPOCH is not declared in train.yml (did you mean EPOCHS?)"},
		"wrong type": {map[string]any{"RATE": "fast"}, "slipway.yaml:7:3: the param RATE is not valid: the input's type is float, but the value is 'fast'"},
	} {
		t.Run(name, func(t *testing.T) {
			with := fill()
			with.Params = test.params
			_, err := Operation(f, with)
			if err == nil || err.Error() != test.want {
				t.Errorf("have %v\nwant %s", err, test.want)
			}
		})
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
	write("train.yml", polyaxonfiletest.Train)
	f, err := check.Read(t.Context(), file.Reader{}, write("op.yml", "version: 1.1\nkind: operation\npathRef: ./train.yml\nparams: {RATE: {value: 1}, DOCKER_IMAGE: {value: i}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Operation(f, Fill{Name: "op"}); err != nil {
		t.Error(err)
	}
	if _, err := check.Read(t.Context(), (file.Reader{}), write("loop.yml", "kind: operation\npathRef: ./loop.yml\n")); err == nil {
		t.Error("a pathRef to itself was read")
	}
	if _, err := check.Read(t.Context(), (file.Reader{}), write("lost.yml", "kind: operation\npathRef: ./nothing.yml\n")); err == nil || !strings.Contains(err.Error(), "Polyaxonfile not found") {
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
		f, err := check.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		fill := Fill{Name: name, Image: "r/i@sha256:x", Params: map[string]any{}}
		if slices.Contains(Inputs(f), "COMMAND") {
			fill.Params["COMMAND"] = []any{"python", "train.py"}
		}
		operation, err := Operation(f, fill)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := compile.Operation(operation.JSON(), schema.Version{})
		if err != nil {
			t.Fatal(err)
		}
		if compiled.Schedule() != "" {
			continue // the server creates its runs
		}
		resolved, err := compiled.Resolve(compile.Context{Connections: map[string]compile.Connection{"fstore-pvc": {}}})
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

// TestPodOfFlags checks the pod against Polyaxon 2.18's converter: null and empty
// arguments are dropped, variables are JSON, and the variables of params come last.
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
	compiled, err := compile.Operation([]byte(text), schema.Newest())
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := compiled.Resolve(compile.Context{UUID: "u"})
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
	f.Add(polyaxonfiletest.Train)
	f.Add("kind: operation\ncomponent: {run: {kind: service, ports: [1]}}\nparams: {x: 1}\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := check.Parse("f.yml", []byte(text))
		if err != nil {
			return
		}
		check.Validate(file, schema.Version{Major: 1, Minor: 11, Patch: 3})
		if operation, err := Operation(file, fill()); err == nil {
			if compiled, err := compile.Operation(operation.JSON(), schema.Version{}); err == nil {
				_, _ = compiled.Resolve(compile.Context{})
			}
		}
	})
}
