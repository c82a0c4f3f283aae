package operation_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/polyaxonfiletest"
)

// TestJSON checks that equal operations have equal bytes, and the forms of floats.
func TestJSON(t *testing.T) {
	t.Parallel()
	o := operation.New(map[string]any{"b": 1.0, "a": []any{math.Inf(1), math.NaN(), nil}, "c": "é</x>", "d": map[string]any{"z": 1, "y": true}})
	const want = `{"a":[null,null,null],"b":1.0,"c":"é</x>","d":{"y":true,"z":1}}`
	for range 5 {
		if got := string(o.JSON()); got != want {
			t.Fatalf(" got %s\nwant %s", got, want)
		}
	}
}

// TestRoundTrip checks that what is sent can be parsed again, and that YAML says the same.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	o := operation.New(polyaxonfiletest.Values(t, "{version: 1.1, kind: operation, name: n, params: {a: {value: 1.5}}, component: {version: 1.1, kind: component, run: {kind: job, container: {image: i}}}}"))
	again, err := operation.Parse(o.JSON())
	if err != nil || !reflect.DeepEqual(again.Root(), o.Root()) {
		t.Errorf("parsed %v, %v", again, err)
	}
	if read := polyaxonfiletest.Values(t, string(o.YAML())); !reflect.DeepEqual(read, o.Root()) {
		t.Errorf("the YAML is\n%s", o.YAML())
	}
	for _, text := range []string{"", "{", "[]", `{"kind": "operation", "nonsense": 1}`} {
		if o, err := operation.Parse([]byte(text)); err == nil {
			t.Errorf("%q was parsed as %v", text, o)
		}
	}
}

// TestPods checks which pods a run of each kind has, and which of them are helpers.
func TestPods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{run: {kind: job, container: {image: a}}}":     "component.run=a",
		"{run: {kind: service, container: {image: a}}}": "component.run=a",
		"{container: {image: a}}":                       "component=a",
		"{run: {kind: job, container: '{{ c }}'}}":      "component.run=",
		"{}": "",
		"{run: {kind: mpijob, launcher: {container: {image: l}}, worker: {container: {image: w}}}}":                                                              "component.run.launcher=l(helper) component.run.worker=w",
		"{run: {kind: tfjob, ps: {container: {image: p}}, evaluator: {}, chief: {}, worker: {}}}":                                                                "component.run.chief= component.run.evaluator=(helper) component.run.ps=p(helper) component.run.worker=",
		"{run: {kind: pytorchjob, master: {container: {image: m}}, clean: {}}}":                                                                                  "component.run.master=m",
		"{run: {kind: daskcluster, job: {}, scheduler: {}, worker: {}}}":                                                                                         "component.run.scheduler=(helper) component.run.worker=",
		"{run: {kind: raycluster, head: {}, workers: {b: {container: {image: b}}, a: {container: {image: a}}}}}":                                                 "component.run.head=(helper) component.run.workers.a=a component.run.workers.b=b",
		"{run: {kind: dag, components: [{run: {kind: job, container: {image: c}}}], operations: [{hubRef: x}, {component: {run: {kind: mpijob, worker: {}}}}]}}": "component.run.components.0.run=c component.run.operations.1.component.run.worker=",
	} {
		var got []string
		for _, p := range operation.Pods(polyaxonfiletest.Values(t, text), []string{"component"}) {
			image, _ := p.Container()["image"].(string)
			one := strings.Join(p.Path, ".") + "=" + image
			if p.Helper {
				one += "(helper)"
			}
			got = append(got, one)
		}
		if have := strings.Join(got, " "); have != want {
			t.Errorf("%s:\n got %s\nwant %s", text, have, want)
		}
	}
}

// TestSource checks that the text of a file gets the operation's value and otherwise stays
// as it is.
func TestSource(t *testing.T) {
	t.Parallel()
	const component = "# about training\nversion: 1.1\nkind: component\nname: 'train' # its name\nrun:\n  kind: job\n  container: {image: a} # the image\n"
	const value = "{version: 1.1, kind: operation, component: {version: 1.1, kind: component, name: train, run: {kind: job, container: {image: b}}}}"
	for what, test := range map[string]struct{ text, component, value, want string }{
		"a component": {component, "", value, "version: 1.1\nkind: operation\ncomponent:\n  # about training\n  version: 1.1\n  kind: component\n  name: 'train' # its name\n  run:\n    kind: job\n    container: {image: b} # the image\n"},
		"an operation": {"kind: operation # op\nversion: 1.1\ncomponent: {version: 1.1, kind: component, name: \"train\", run: {kind: job, container: {image: a}}}\n", "", value,
			"kind: operation # op\nversion: 1.1\ncomponent: {version: 1.1, kind: component, name: \"train\", run: {kind: job, container: {image: b}}}\n"},
		"an operation and its component": {"version: 1.1\nkind: operation # op\npathRef: ./c.yml\n", component, value,
			"version: 1.1\nkind: operation # op\ncomponent:\n  # about training\n  version: 1.1\n  kind: component\n  name: 'train' # its name\n  run:\n    kind: job\n    container: {image: b} # the image\n"},
		"a component with line ends of Windows": {strings.ReplaceAll(component, "\n", "\r\n"), "", value,
			strings.ReplaceAll("version: 1.1\nkind: operation\ncomponent:\n  # about training\n  version: 1.1\n  kind: component\n  name: 'train' # its name\n  run:\n    kind: job\n    container: {image: b} # the image\n", "\n", "\r\n")},
		"a component with a marker of its document": {"---\n" + component + "...\n", "", value, "version: 1.1\nkind: operation\ncomponent:\n  # about training\n  version: 1.1\n  kind: component\n  name: 'train' # its name\n  run:\n    kind: job\n    container: {image: b} # the image\n"},
	} {
		o := operation.New(polyaxonfiletest.Values(t, test.value))
		var beside []byte
		if test.component != "" {
			beside = []byte(test.component)
		}
		got, err := o.Source([]byte(test.text), beside)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v\n got %q\nwant %q", what, err, got, test.want)
		}
	}
	if got, err := operation.New(nil).Source([]byte("- a list\n"), nil); err == nil {
		t.Errorf("a file that is no mapping gives %q", got)
	}
}
