package lint

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

// found returns the findings in a text for Polyaxon 2.18, one per line: position,
// severity, name, message and hint.
func found(t *testing.T, text string) []string {
	t.Helper()
	f, problems := file.Load("f.yml", []byte(text))
	var all []string
	for _, x := range finish(t.Context(), f, problems, Options{Versions: KnownVersions()[1:]}) {
		line := fmt.Sprintf("%d:%d %s %s: %s", x.Position.Line, x.Column, x.Severity, x.Rule, x.Message)
		if x.Hint != "" {
			line += " | " + x.Hint
		}
		all = append(all, line)
	}
	return all
}

// TestFindings checks all findings in small files.
func TestFindings(t *testing.T) {
	const (
		component = "version: 1.1\nkind: component\n"
		operation = "version: 1.1\nkind: operation\n"
		job       = component + "run:\n  kind: job\n  container:\n    image: a:1\n"
		dag       = component + "run:\n  kind: dag\n"
		run       = "run: {kind: job, container: {image: \"a:1\"}}"
	)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a dag without operations": {dag, []string{"4:3 error missing-key: run needs operations"}},
		"a dag in a dag without operations": {dag + "  operations:\n  - name: a\n    component:\n      run: {kind: dag}\n",
			[]string{"8:12 error missing-key: run.operations.0.component.run needs operations"}},
		"operations misspelt":    {dag + "  operation: []\n", []string{"5:3 error unknown-key: run has no key operation | did you mean operations?"}},
		"operations are nothing": {dag + "  operations:\n", []string{"5:14 error missing-key: run.operations needs a value"}},
		"no operations":          {dag + "  operations: []\n", []string{"5:15 error missing-key: the dag has no operations | list its operations"}},
		"a dagRef": {dag + "  operations: [{name: a, dagRef: trian}]\n  components: [{name: train, " + run + "}]\n",
			[]string{"5:34 error unresolved-reference: the dag has no component trian | did you mean train?"}},
		"several params": {operation + "params: {a: {value: x}, b: maybe}\ncomponent:\n  inputs: [{name: a, type: int}, {name: b, type: bool}, {name: c, type: float, value: z, isOptional: true}]\n  run: {kind: job, container: {image: \"a:1\", args: [\"{{ a }}\", \"{{ b }}\", \"{{ c }}\"]}}\n",
			[]string{
				"3:21 error bad-param: the value of a: the input's type is int, but the value is 'x'",
				"3:28 error bad-param: the value of b: the input's type is bool, but the value is 'maybe'",
				"5:87 error bad-param: the value of c: the input's type is float, but the value is 'z'",
			}},
		"a param is missing": {operation + "component:\n  inputs: [{name: a, type: int}]\n  run: {kind: job, container: {image: \"a:1\", args: [\"{{ a }}\"]}}\n",
			[]string{"4:19 error missing-param: the input a is required, and no param sets it | give the operation params with a, or the input a default"}},
		"an untyped ref": {dag + "  operations:\n  - {name: a, component: {outputs: [{name: x, type: str}], " + run + "}}\n  - {name: b, params: {y: {ref: ops.a, value: outputs.x}}, component: {inputs: [{name: y, type: path}], run: {kind: job, container: {image: \"a:1\", args: [\"{{ y }}\"]}}}}\n", nil},
		"a str into an int": {dag + "  operations:\n  - {name: a, component: {outputs: [{name: x, type: str}], " + run + "}}\n  - {name: b, params: {y: {ref: ops.a, value: outputs.x}}, component: {inputs: [{name: y, type: int}], run: {kind: job, container: {image: \"a:1\", args: [\"{{ y }}\"]}}}}\n",
			[]string{"7:47 error unknown-reference: x of the operation a is str, and the input is int | give both the same type"}},
		"a connection by an input's name": {component + "inputs: [{name: store, type: str, value: bucket, isOptional: true}]\nrun: {kind: job, connections: [\"{{ store }}\"], init: [{connection: \"{{ store }}\", artifacts: {files: [x]}}], container: {image: \"a:1\"}}\n", nil},
		"a destination to come":           {component + "outputs: [{name: destination, type: image}]\nrun: {kind: job, connections: [\"{{ params.destination.connection }}\"], container: {image: \"a:1\", args: [\"{{ connections[params.destination.connection].url + '/' + destination }}\"]}}\n", nil},
		"a dataset to come":               {component + "inputs: [{name: data, type: str}]\nrun: {kind: job, connections: [\"{{ params.data.connection }}\"], container: {image: \"a:1\", args: [\"{{ data }}\"]}}\n", nil},
		"a destination that an operation leaves out": {operation + "component:\n  outputs: [{name: destination, type: image}]\n  run: {kind: job, connections: [\"{{ params.destination.connection }}\"], container: {image: \"a:1\", args: [\"{{ destination }}\"]}}\n",
			[]string{"5:8 error compile-error: the run fails when it is compiled: Could not apply run context, error: 1 validation error for V1CompiledOperation\nrun.connections.0\n  Input should be a valid value [type=type_error]"}},
		"none beside another tag": {component + "inputs: [{name: dir, type: str, isOptional: true}]\nrun: {kind: job, container: {image: \"a:1\", workingDir: \"{{ globals.artifacts_path }}/{{ dir }}\"}}\n",
			[]string{"4:89 warning renders-as-none: the input dir is optional and has no value: without a param this renders as {{ globals.artifacts_path }}/None | give the input a default value, or write {{ dir or '' }}"}},
		"names with hyphens": {component + "inputs: [{name: learning-rate, type: float}, {name: batch_size, type: int}]\nrun: {kind: job, container: {image: \"a:1\", args: [\"{{ learning-rate }}\", \"{{ batch-size }} {{ batch_size }}\", \"{{ x-y }}\", \"{{ batch_size-1 }}\", \"{{ params['learning-rate'].value }}\"]}}\n",
			[]string{
				"4:55 error undefined-variable: a name with a hyphen is a subtraction in a template: the run fails when it is compiled | write params['learning-rate'].value, or give the input a name with underscores",
				"4:78 error undefined-variable: a name with a hyphen is a subtraction in a template: the run fails when it is compiled | did you mean batch_size?",
				"4:115 error undefined-variable: a name with a hyphen is a subtraction in a template: the run fails when it is compiled | write the name with underscores",
			}},
		"arithmetic with an unknown name": {component + "run: {kind: job, container: {image: \"a:1\", args: [\"{{ n * 2 }}\", \"{{ m ~ 2 }}\"]}}\n",
			[]string{
				"3:55 error undefined-variable: undefined variable n: the run fails when it is compiled | declare it as an input, or correct the name",
				"3:70 error undefined-variable: undefined variable m: Polyaxon renders it as empty | declare it as an input, or correct the name",
			}},
		"a name like one that all templates have": {component + "run: {kind: job, container: {image: \"a:1\", args: [\"{{ param1 }}\", \"{{ rate }}\", \"{{ global.uuid }}\"]}}\n",
			[]string{
				"3:55 error undefined-variable: undefined variable param1: Polyaxon renders it as empty | declare it as an input, or correct the name",
				"3:71 error undefined-variable: undefined variable rate: Polyaxon renders it as empty | declare it as an input, or correct the name",
				"3:85 error undefined-variable: undefined variable global: the run fails when it is compiled | did you mean globals?",
			}},
		"a word":                       {job + "    command: nvidia-smi\n    args: --query\n", nil},
		"a script after -c":            {job + "    command: [bash, -c]\n    args: |\n      set -e\n      python --epochs 10\n", nil},
		"a text as a command":          {job + "    command: python train.py\n", []string{`7:14 warning command-with-spaces: there is no program "python train.py": Kubernetes does not split a command at its spaces | write [python, train.py]`}},
		"a text as an argument":        {job + "    command: [python]\n    args: --epochs 10\n", []string{`8:11 warning argument-with-space: this is one argument with a space in it: the program does not have an option "--epochs 10" | write two elements: --epochs, 10`}},
		"a shell line as one word":     {job + "    command: [\"sh -c echo hi\"]\n", []string{`7:15 error command-with-spaces: there is no program "sh -c echo hi": Kubernetes does not split a command at its spaces | write [sh, -c, "echo hi"]`}},
		"an argument with a template":  {job + "    command: [python]\n    args: [\"--epochs {{ 1 }}\"]\n", []string{`8:12 warning argument-with-space: this is one argument with a space in it: the program does not have an option "--epochs {{ 1 }}" | write --epochs={{ 1 }}`}},
		"options that may have spaces": {job + "    command: [python]\n    args: [-c, \"-x y\", \"--title=a b\", \"- a\", --extra-args, \"--lr 1\"]\n", nil},
		"lines of a Dockerfile": {component + "run:\n  kind: job\n  init:\n  - dockerfile: {image: \"a:1\", run: \"pip install x\"}\n  container: {image: \"a:1\"}\n",
			[]string{`6:37 error wrong-type: run.init.0.dockerfile.run must be a list, not "pip install x" | write it as a list: ["pip install x"]`}},
		"a number of seconds":   {component + "termination: {timeout: 6h}\n" + run + "\n", []string{`3:24 error wrong-type: termination.timeout must be a whole number, not "6h" | write it in seconds: 21600`}},
		"gigabytes":             {job + "    resources: {limits: {memory: 8GB}}\n", []string{"7:34 error bad-quantity: run.container.resources.limits.memory is not a valid quantity: 8GB | write 8G, or 8Gi for powers of 1024"}},
		"a medium":              {component + "run:\n  kind: job\n  volumes: [{name: v, emptyDir: {medium: memory}}]\n  container: {image: \"a:1\", volumeMounts: [{name: v, mountPath: /v}]}\n", []string{`5:42 error bad-value: run.volumes.0.emptyDir.medium must be one of Memory, HugePages, HugePages-2Mi, HugePages-1Gi, HugePages-64Ki, HugePages-32Mi, HugePages-16Gi, not "memory" | did you mean Memory?`}},
		"a job's kind":          {"version: 1.1\nkind: job\nrun: {kind: job, container: {image: \"a:1\"}}\n", []string{`2:7 error unknown-kind: kind must be component or operation, not "job" | write kind: component here, and kind: job in run`}},
		"a kind misspelt":       {"version: 1.1\nkind: componentt\n" + run + "\n", []string{`2:7 error unknown-kind: kind must be component or operation, not "componentt" | did you mean component?`}},
		"a group of 0.x":        {"version: 1\nhptuning: {matrix: {lr: {values: [1]}}}\nbuild: {image: x}\nrun: {cmd: x}\n", []string{"1:10 error polyaxon-0: this is a file for Polyaxon 0.x, which Polyaxon 1.0 and later do not support | write version: 1.1, kind: operation with matrix for hptuning, and component in it, command and args of the container for cmd, images of slipway.yaml for build"}},
		"a default of an input": {component + "inputs: [{name: a, type: int, default: 1}]\nrun: {kind: job, container: {image: \"a:1\", args: [\"{{ a }}\"]}}\n", []string{"3:31 error unknown-key: inputs.0 has no key default | did you mean value?"}},
	} {
		t.Run(name, func(t *testing.T) {
			have := found(t, c.text)
			if diff := cmp.Diff(c.want, have); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSuggestions checks the hints for words that people confuse with others.
func TestSuggestions(t *testing.T) {
	for _, c := range []struct{ above, written, hint string }{
		{"run: {kind: job, container: {image: a, %s}}", "cmd: x", "write command and args, each a list"},
		{"inputs: [{name: a, %s}]", "type: integer", "did you mean int?"},
		{"inputs: [{name: a, %s}]", "type: string", "did you mean str?"},
		{"inputs: [{name: a, %s}]", "type: boolean", "did you mean bool?"},
		{"inputs: [{name: a, %s}]", `type: "list[int]"`, "write type: int and isList: true"},
		{"inputs: [{name: a, %s}]", `type: "List[str]"`, "write type: str and isList: true"},
		{"inputs: [{name: a, %s}]", `type: "dict[str, int]"`, "write type: dict"},
		{"run: {kind: job, volumes: [{name: v, %s}]}", "pvc: {claimName: c}", "did you mean persistentVolumeClaim?"},
		{"run: {kind: job, container: {env: [{name: A, valueFrom: {secretKeyRef: {key: k, %s}}}]}}", "secretName: s", "did you mean name?"},
		{"run: {kind: job, init: [{git: {url: u, %s}}]}", "branch: main", "did you mean revision?"},
		{"run: {kind: dag, operations: [{name: a, component: {}, %s}]}", "dependsOn: [b]", "did you mean dependencies?"},
		{"run: {kind: dag, operations: [{name: a, component: {}, %s}]}", "trigger: all_success", "did you mean all_succeeded?"},
		{"run: {kind: job, container: {volumeMounts: [{name: v, %s}]}}", "path: /v", "did you mean mountPath?"},
		{"hooks: [{hubRef: slack, %s}]", "trigger: success", "did you mean succeeded?"},
		{"run: {kind: tfjob, %s}", "master: {replicas: 1}", "did you mean chief?"},
		{"run: {kind: job, %s}", "resources: {limits: {cpu: 1}}", "it belongs in container"},
		{"run: {kind: job, %s}", "nodeSelector: {a: b}", "it belongs in environment"},
		{"%s", "maxRetries: 3", "it belongs in termination"},
		{"run: {kind: job, container: {%s}}", "volumes: []", "write volumeMounts here, and volumes beside container"},
		{"run: {kind: job, container: {%s}}", "init: []", "it belongs beside container"},
		{"run: {kind: job, container: {resources: {%s}}}", "gpu: 1", "write limits: {nvidia.com/gpu: 1}"},
		{"run: {kind: job, container: {resources: {limits: {%s}}}}", `memory: "500 MB"`, "write 500M, or 500Mi for powers of 1024"},
		{"run: {%s}", "kind: experiment", "did you mean job?"},
		{"termination: {%s}", "ttl: 30 minutes", "write it in seconds: 1800"},
	} {
		t.Run(c.written, func(t *testing.T) {
			text := "version: 1.1\nkind: component\n" + fmt.Sprintf(c.above, c.written) + "\n"
			if have := found(t, text); !strings.Contains(strings.Join(have, "\n")+"\n", "| "+c.hint+"\n") {
				t.Errorf("%s\nthe hint is not %q, but:\n%s", text, c.hint, strings.Join(have, "\n"))
			}
		})
	}
}

// TestFixKeepsCommands checks that --fix does not change what a shell would read
// differently.
func TestFixKeepsCommands(t *testing.T) {
	for written, want := range map[string]string{
		`sh -c echo hi`:          `[sh, "-c", "echo hi"]`,
		`bash -lc 'python a.py'`: `[bash, "-lc", "python a.py"]`,
		`python train.py`:        `[python, train.py]`,
		`python -c import x`:     ``,
		`env -i sh -c ls`:        ``,
		`python $HOME/a.py`:      ``,
		`bash run.sh --fast`:     `[bash, run.sh, "--fast"]`,
	} {
		text := "version: 1.1\nkind: component\nrun:\n  kind: job\n  container:\n    image: a:1\n    command: [\"" + written + "\"]\n"
		fixed := string(Fix(t.Context(), "f.yml", []byte(text), Options{}).Text)
		if want == "" {
			if fixed != text {
				t.Errorf("%s is changed:\n%s", written, fixed)
			}
		} else if !strings.Contains(fixed, "command: "+want+"\n") {
			t.Errorf("%s becomes\n%s", written, fixed)
		}
	}
}

// TestCommonParams checks that an optional input without a value is not reported when
// slipway.yaml sets it.
func TestCommonParams(t *testing.T) {
	text := "version: 1.1\nkind: component\ninputs: [{name: DATA, type: str, isOptional: true}]\nrun: {kind: job, container: {image: \"a:1\", args: [\"--data={{ DATA }}\", \"{{ DATA }}\"]}}\n"
	f, _ := file.Load("f.yml", []byte(text))
	if have := Check(t.Context(), f, Options{}); len(have) != 2 {
		t.Errorf("without a value: %v", have)
	}
	if have := Check(t.Context(), f, Options{Params: []string{"DATA"}, CommonParams: []string{"DATA"}}); len(have) != 0 {
		t.Errorf("with one: %s", formatFindings(have))
	}
}

// TestMissingRendered checks for objects that a template names, as far as the file
// determines the rendered name.
func TestMissingRendered(t *testing.T) {
	for inputs, want := range map[string]string{
		"{name: TEAM, type: str, value: acme, isOptional: true}": "secret acme-token not found in the cluster of the run",
		"{name: TEAM, type: str, value: acne, isOptional: true}": "",
		"{name: TEAM, type: str}":                                "",
	} {
		text := "version: 1.1\nkind: component\ninputs: [" + inputs + "]\nrun:\n  kind: job\n  container:\n    image: a:1\n" +
			"    envFrom: [{secretRef: {name: '{{ TEAM }}-token'}}, {secretRef: {name: \"{{ 'acne' + '-' + 'token' }}\"}}]\n"
		f, problems := file.Load("f.yml", []byte(text))
		got := ""
		for _, x := range finish(t.Context(), f, problems, Options{Cluster: fakeCluster{Secret: {"acne-token"}}}) {
			if x.Rule == MissingSecret {
				got += x.Message
				if x.Position.Line != 8 || x.Hint != "did you mean acne-token?" || len(x.Versions) != 2 {
					t.Errorf("it is told as %+v", x)
				}
			}
		}
		if got != want {
			t.Errorf("%s: have %q, want %q", inputs, got, want)
		}
	}
}

// TestMissingRenderedKeys checks for keys that a template names, and for keys of objects that a
// template names. Each is told once, where it is written.
func TestMissingRenderedKeys(t *testing.T) {
	for element, want := range map[string]string{
		"{name: A, valueFrom: {secretKeyRef: {name: s, key: '{{ K }}'}}}":                                 "9:58 secret s has no key tokn | did you mean token?",
		"{name: A, valueFrom: {secretKeyRef: {name: '{{ S }}', key: tokn}}}":                              "9:66 secret s has no key tokn | did you mean token?",
		"{name: A, valueFrom: {secretKeyRef: {name: '{{ S }}', key: '{{ K }}'}}}":                         "9:66 secret s has no key tokn | did you mean token?",
		"{name: A, valueFrom: {secretKeyRef: {name: gone, key: '{{ K }}'}}}":                              "9:50 secret gone not found in the cluster of the run | declare it in secrets of slipway.yaml, or correct the name",
		"{name: A, valueFrom: {secretKeyRef: {name: s, key: '{{ K }}en'}}}":                               "9:58 secret s has no key toknen | did you mean token?",
		"{name: A, valueFrom: {secretKeyRef: {name: s, key: '{{ K }}', optional: true}}}":                 "",
		"{name: A, valueFrom: {configMapKeyRef: {name: c, key: \"{{ 'a' if S == 's' else 'token' }}\"}}}": "9:61 config map c has no key a | its keys are token",
	} {
		f, problems := file.Load("f.yml", []byte("version: 1.1\nkind: component\ninputs: [{name: K, type: str, value: tokn, isOptional: true}, {name: S, type: str, value: s, isOptional: true}]\n"+
			"run:\n  kind: job\n  container:\n    image: a:1\n    env:\n    - "+element+"\n"))
		got := ""
		for _, x := range finish(t.Context(), f, problems, Options{Cluster: fakeCluster{Secret: {"s"}, ConfigMap: {"c"}, "key": {"token"}}}) {
			if x.Rule == MissingSecret || x.Rule == ConfigMap.rule() {
				got += fmt.Sprintf("%d:%d %s | %s", x.Position.Line, x.Column, x.Message, x.Hint)
			}
		}
		if got != want {
			t.Errorf("%s: have %q, want %q", element, got, want)
		}
	}
}

// TestMissingKeys checks for keys of Secrets and ConfigMaps that exist.
func TestMissingKeys(t *testing.T) {
	const text = "version: 1.1\nkind: component\nrun:\n  kind: job\n  volumes:\n" +
		"  - {name: a, secret: {secretName: s, items: [{key: tokn, path: t}]}}\n" +
		"  - {name: b, projected: {sources: [{configMap: {name: c, items: [{key: colour, path: c}]}}, {secret: {name: gone}}]}}\n" +
		"  container:\n    image: a:1\n    volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /b}]\n    env:\n" +
		"    - {name: A, valueFrom: {secretKeyRef: {name: s, key: token}}}\n" +
		"    envFrom: [{configMapRef: {name: gone, optional: true}}]\n"
	f, problems := file.Load("f.yml", []byte(text))
	missing := func(cluster fakeCluster) (all []string) {
		for _, x := range finish(t.Context(), f, problems, Options{Cluster: cluster}) {
			all = append(all, fmt.Sprintf("%d:%d %s: %s | %s", x.Position.Line, x.Column, x.Rule, x.Message, x.Hint))
		}
		return all
	}
	want := []string{
		"6:53 missing-secret: secret s has no key tokn | did you mean token?",
		"7:73 missing-config-map: config map c has no key colour | its keys are token",
		"7:110 missing-secret: secret gone not found in the cluster of the run | declare it in secrets of slipway.yaml, or correct the name",
	}
	if diff := cmp.Diff(want, missing(fakeCluster{Secret: {"s"}, ConfigMap: {"c"}, "key": {"token"}})); diff != "" {
		t.Error(diff)
	}
	lost := missing(fakeCluster{Secret: {"s", "gone"}, ConfigMap: {"c"}, "lost": {"c"}})
	if diff := cmp.Diff([]string{"7:56 missing-config-map: config map c has lost its volume | "}, lost); diff != "" {
		t.Error(diff)
	}
	if unknown := missing(fakeCluster{Secret: {"s", "gone"}, ConfigMap: {"c"}}); len(unknown) > 0 {
		t.Errorf("keys that are not known: %v", unknown)
	}
	if diff := cmp.Diff([]Need{{Secret, "s", []string{"tokn", "token"}}, {ConfigMap, "c", []string{"colour"}}, {Secret, "gone", nil}}, Needs(f, nil)); diff != "" {
		t.Error(diff)
	}
}

// TestEmptyDefault checks a default that 1.x treats as no value, and that 2.x checks
// against the type.
func TestEmptyDefault(t *testing.T) {
	f, problems := file.Load("f.yml", []byte("version: 1.1\nkind: component\ninputs: [{name: x, type: int, isOptional: true, value: ''}]\n"+
		"run: {kind: job, container: {image: a:1, args: ['{{ x }}']}}\n"))
	refused := false
	for _, x := range finish(t.Context(), f, problems, Options{}) {
		if x.Severity == file.SeverityError {
			if refused = true; len(x.Versions) != 1 || x.Versions[0].Major != 2 {
				t.Errorf("%s by %v", x.Message, x.Versions)
			}
		}
	}
	if !refused {
		t.Error("2.18 takes it")
	}
}
