package fill

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/source"
)

const fillYML = `# Trains the model
version: 1.1
kind: component
name: train
inputs:
- {name: DOCKER_IMAGE, type: str}
- name: EPOCHS   # of training
  type: int
  value: 3
  isOptional: true
- {name: TOKEN, type: str, toEnv: API_TOKEN}
- {name: PASSWORD, type: str, isOptional: true}
run:
  kind: job
  connections: [fstore-pvc]
  container:
    image: "{{ DOCKER_IMAGE }}"
    env:
    - {name: DB_PASSWORD, value: "{{ PASSWORD }}"}   # only here
    args: ['--epochs={{ EPOCHS }}']
    resources:
      requests: {cpu: 1, nvidia.com/gpu: 2}
      limits: {amd.com/gpu: 1}
`

const distributedYML = `version: 1.1
kind: operation
component:
  run:
    kind: tfjob
    chief: {container: {image: slipway}}
    worker:
      replicas: 2
      environment:
        tolerations:
        - {key: nvidia.com/gpu, operator: Equal, value: present}
      container: {image: slipway}
    ps:
      container: {image: slipway}
`

const acceleratorYML = `kind: component
run:
  kind: job
  environment:
    nodeSelector:
      pool: cheap   # any
      cloud.google.com/gke-accelerator: nvidia-l4
    tolerations: [{key: nvidia.com/gpu, operator: Exists}]
  container:
    image: a
    resources: {limits: {nvidia.com/gpu: 1}}
`

const guideYML = `version: 1.1
kind: component
inputs:
- {name: DOCKER_IMAGE, type: str}
- {name: SA_CRED_PATH, type: str, value: /var/secret/cloud.google.com/gcp-service-account.json, isOptional: true, toEnv: GOOGLE_APPLICATION_CREDENTIALS}
- {name: MLFLOW_TRACKING_URI, type: str}
- {name: MLFLOW_TRACKING_PASSWORD, type: str, isOptional: true, toEnv: MLFLOW_TRACKING_PASSWORD}
run:
  kind: job
  volumes:
  - name: gcp-service-account
    secret: {secretName: gcp-sa-credentials}
  environment:
    imagePullSecrets: [gcp-imagepullsecrets]
  container:
    image: "{{ DOCKER_IMAGE }}"
    args: ["--mlflow={{ MLFLOW_TRACKING_URI }}"]
    volumeMounts:
    - {name: gcp-service-account, mountPath: /var/secret/cloud.google.com}
`

// fills returns test values of Fill, each with the file that it is for.
func fills() map[string]struct {
	text string
	fill Fill
} {
	one, none := 1, 0
	gcp := Credentials{Key: CredentialKey, Pull: true}
	mlflow := MLflow{TrackingURI: "https://mlflow.acme.dev", Experiment: "fraud", Username: "ci", Password: SecretKey{"slipway-fraud-mlflow", "password"}}
	type m = map[string]struct {
		text string
		fill Fill
	}
	return m{
		"everything": {fillYML, Fill{
			Name: "train", Image: "r/i@sha256:x", GPU: &one, Timeout: time.Hour, Credentials: gcp, Volume: Volume{Claim: "data"}, MLflow: mlflow,
			Params: map[string]any{"EPOCHS": 5}, Texts: map[string]string{"EPOCHS": "20"},
			Secrets: map[string]SecretKey{"TOKEN": {"slipway-fraud-train-params", "TOKEN"}, "PASSWORD": {"slipway-fraud-train-params", "PASSWORD"}},
		}},
		"no-gpu":      {fillYML, Fill{Name: "train", Image: "r/i@sha256:x", GPU: &none, Params: map[string]any{"TOKEN": "t"}, Volume: Volume{Connection: "other"}}},
		"accelerator": {acceleratorYML, Fill{Name: "train", GPU: &none}},
		"distributed": {distributedYML, Fill{Name: "train", Image: "r/i@sha256:x", GPU: &one, Credentials: Credentials{Pull: true}, Volume: Volume{Connection: VolumeConnection}, MLflow: mlflow}},
		"the-guide":   {guideYML, Fill{Name: "train", Image: "r/i@sha256:x", Credentials: gcp, MLflow: mlflow}},
	}
}

func TestFill(t *testing.T) {
	for name, test := range fills() {
		t.Run(name, func(t *testing.T) {
			f, err := check.Parse("train.yml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			before := plain.Copy(f.Root())
			o, err := Operation(f, test.fill)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, any(f.Root())); diff != "" {
				t.Errorf("the file itself is changed: %s", diff)
			}
			golden(t, filepath.Join("fill", name+".yml"), o.YAML())

			text, err := o.Source([]byte(test.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("fill", name+".source.yml"), text)
			again, err := check.Parse("source.yml", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(o.Root(), again.Root()); diff != "" {
				t.Errorf("the source reads otherwise than the operation: %s", diff)
			}

			// Filling twice must not add anything twice.
			twice := test.fill
			twice.Secrets = nil // their inputs are gone
			second, err := Operation(again, twice)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(o.Root(), second.Root()); diff != "" {
				t.Errorf("filled twice it is another: %s", diff)
			}
		})
	}
}

func TestSourceOfFormats(t *testing.T) {
	o, err := parseOperation(t, fillYML, Fill{Name: "train", Image: "i", Params: map[string]any{"TOKEN": "t"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, files := range map[string][2]string{
		"json":      {string(o.JSON()), ""},
		"CRLF":      {strings.ReplaceAll(fillYML, "\n", "\r\n"), ""},
		"markers":   {"---\n" + fillYML, ""},
		"a pathRef": {"version: 1.1\nkind: operation # mine\npathRef: ./train.yml\nparams: {TOKEN: {value: t}}\n", fillYML},
		"tabs":      {"{\n\t\"kind\": \"component\",\n\t\"run\": {\"kind\": \"job\"}\n}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var component []byte
			if files[1] != "" {
				component = []byte(files[1])
			}
			text, err := o.Source([]byte(files[0]), component)
			if err != nil {
				t.Fatal(err)
			}
			again, err := check.Parse("source.yml", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(o.Root(), again.Root()); diff != "" {
				t.Errorf("it reads otherwise: %s\n%s", diff, text)
			}
			if name != "json" && name != "tabs" && !strings.Contains(string(text), "EPOCHS   # of training") {
				t.Errorf("a comment is lost:\n%s", text)
			}
		})
	}
}

func parseOperation(t *testing.T, text string, fill Fill) (*operation.Operation, error) {
	t.Helper()
	f, err := check.Parse("train.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return Operation(f, fill)
}

func TestSecretParamsNeverBecomeText(t *testing.T) {
	secrets := map[string]SecretKey{"TOKEN": {"s", "TOKEN"}}
	at := func(string) source.Position { return source.Position{File: "slipway.yaml", Line: 7, Column: 3} }
	for name, test := range map[string]struct{ input, run, want string }{
		"in an argument":      {"", `args: ["--token={{ TOKEN }}"]`, `slipway.yaml:7:3: the param TOKEN is a secret, and run.container.args.0 (train.yml:6:`},
		"in part of a value":  {"", `env: [{name: URL, value: "http://u:{{ TOKEN }}@h"}]`, "would put it into the operation as text"},
		"through its params":  {"", `args: ["{{ params.TOKEN.as_arg }}"]`, "would put it into the operation as text"},
		"with all the others": {", toEnv: T", `args: ["{{ params.as_args }}"]`, "would put it into the operation as text"},
		"in a statement":      {", toEnv: T", `args: ["{% if TOKEN %}--private{% endif %}"]`, "would put it into the operation as text"},
		"for nobody":          {"", `args: [run]`, "has no environment variable for it (give the input toEnv: TOKEN)"},
		"by toEnv":            {", toEnv: T", `args: [run]`, ""},
		"as a whole value":    {"", `env: [{name: T, value: "{{TOKEN}}"}]`, ""},
		"by its value":        {"", `env: [{name: T, value: "{{ params.TOKEN.value }}"}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "version: 1.1\nkind: component\ninputs: [{name: TOKEN, type: str" + test.input + "}]\nrun:\n  kind: job\n  container: {image: \"i:1\", " + test.run + "}\n"
			o, err := parseOperation(t, text, Fill{Name: "train", Secrets: secrets, ParamsAt: at})
			switch {
			case test.want == "" && err != nil:
				t.Fatal(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Fatalf("got %v, want %s", err, test.want)
			case test.want == "" && !strings.Contains(string(o.JSON()), `{"name":"T","valueFrom":{"secretKeyRef":{"key":"TOKEN","name":"s"}}}`):
				t.Errorf("no reference in %s", o.JSON())
			}
		})
	}
	if _, err := parseOperation(t, fillYML, Fill{Name: "train", Image: "i", Secrets: map[string]SecretKey{"TOKN": {"s", "k"}}, ParamsAt: at}); err == nil || !strings.Contains(err.Error(), "the input TOKN is not declared in train.yml (did you mean TOKEN?)") {
		t.Errorf("got %v", err)
	}
}

func TestTextsAreConvertedToInputTypes(t *testing.T) {
	const text = "version: 1.1\nkind: component\ninputs: [{name: A, type: int}, {name: B, type: bool}, {name: C, type: str}, {name: D, type: list}, {name: E, isOptional: true}]\nrun: {kind: job, container: {image: \"i:1\", args: [\"{{ A }}{{ B }}{{ C }}{{ D }}{{ E }}\"]}}\n"
	o, err := parseOperation(t, text, Fill{Name: "j", Texts: map[string]string{"A": "20", "B": "yes", "C": "20", "D": "[1, \"a\"]", "E": "1"}, Params: map[string]any{"A": 3}})
	if err != nil {
		t.Fatal(err)
	}
	value := func(v any) any { return map[string]any{"value": v} }
	want := map[string]any{"A": value(20), "B": value(true), "C": value("20"), "D": value([]any{1, "a"}), "E": value("1")}
	if diff := cmp.Diff(any(want), o.Root()["params"]); diff != "" {
		t.Error(diff)
	}
	at := func(name string) source.Position { return source.Position{File: "-P " + name} }
	if _, err := parseOperation(t, text, Fill{Name: "j", Texts: map[string]string{"A": "x", "B": "yes", "C": "", "D": "[]"}, ParamsAt: at}); err == nil || !strings.HasPrefix(err.Error(), "-P A: the param A is not valid") {
		t.Errorf("got %v", err)
	}
}

// TestImagePlaceholder checks that the placeholder is replaced, also beside an input
// for the image, and that it is refused when the job has no image.
func TestImagePlaceholder(t *testing.T) {
	const one = "version: 1.1\nkind: component\nrun:\n  kind: job\n  container: {image: slipway}\n"
	const both = "version: 1.1\nkind: component\ninputs: [{name: DOCKER_IMAGE, type: str}]\nrun:\n  kind: job\n  container: {image: slipway}\n"
	const two = "version: 1.1\nkind: component\nrun:\n  kind: pytorchjob\n  master: {container: {image: slipway}}\n  worker: {container: {image: slipway}}\n"
	for _, text := range []string{one, both, two} {
		o, err := parseOperation(t, text, Fill{Name: "j", Image: "i@sha256:1"})
		if err != nil || strings.Contains(string(o.JSON()), `"slipway"`) {
			t.Errorf("%v; %s", err, o.JSON())
		}
	}
	const why = "the image placeholder slipway cannot be replaced: j sets no image (set image of j to one of slipway.yaml's images)"
	for text, want := range map[string]string{one: ":5:22: " + why, two: ":5:31: " + why} {
		if _, err := parseOperation(t, text, Fill{Name: "j"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestBracketsOfTheCommandLine checks lists and mappings as users write them in
// slipway.yaml and on the command line.
func TestBracketsOfTheCommandLine(t *testing.T) {
	file := func(kind string) string {
		return "version: 1.1\nkind: component\ninputs: [{name: A, " + kind + "}]\nrun: {kind: job, container: {image: \"i:1\", command: \"{{ A }}\"}}\n"
	}
	at := func(name string) source.Position { return source.Position{File: "-P " + name} }
	for _, test := range []struct {
		kind, text string
		want       any
	}{
		{"type: list", "[python, -m, proj]", []any{"python", "-m", "proj"}},
		{"type: list", "[python,-m,proj]", []any{"python", "-m", "proj"}},
		{"type: list", `["a, b", 'c']`, []any{"a, b", "c"}},
		{"type: list", "a,b", []any{"a", "b"}},
		{"type: int, isList: true", "[1, 2]", []any{1, 2}},
		{"type: dict", "{a: 1}", map[string]any{"a": 1}},
		{"type: str", "[a, b]", "[a, b]"},
		{"type: list", "[python, -m", "-P A: the param A is not valid: '[python, -m' is neither YAML nor JSON (write a list as [a, b]"},
		{"type: int, isList: true", "[1, x]", "-P A: the param A is not valid"},
		{"type: dict", "[a]", "-P A: the param A is not valid"},
	} {
		o, err := parseOperation(t, file(test.kind), Fill{Name: "j", Texts: map[string]string{"A": test.text}, ParamsAt: at})
		if want, _ := test.want.(string); strings.HasPrefix(want, "-P") {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s %s: %v", test.kind, test.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", test.kind, test.text, err)
		} else if diff := cmp.Diff(any(map[string]any{"A": map[string]any{"value": test.want}}), o.Root()["params"]); diff != "" {
			t.Errorf("%s %s: %s", test.kind, test.text, diff)
		}
	}
}

func TestLabelsAreNotPartOfTheOperation(t *testing.T) {
	o, err := parseOperation(t, distributedYML, Fill{Name: "train", Image: "i"})
	if err != nil {
		t.Fatal(err)
	}
	before := string(o.JSON())
	labelled := Labelled(o, map[string]string{operation.LabelPrefix + "commit": "abc"}, map[string]string{operation.LabelPrefix + "ref": "refs/heads/main"})
	if n := strings.Count(string(labelled.JSON()), `"slipway.dev/commit":"abc"`); n != 3 {
		t.Errorf("%d of 3 replicas have the label: %s", n, labelled.JSON())
	}
	if string(o.JSON()) != before || string(Unlabelled(labelled).JSON()) != before {
		t.Error("labels stay in the operation")
	}
}

// TestSourceKeepsSpelledKeys checks that additions go to the keys that the file has,
// whatever their spelling.
func TestSourceKeepsSpelledKeys(t *testing.T) {
	text := `kind: component
run:
  kind: job
  container:
    image: a
    volume_mounts: # data
    - {name: v, mountPath: /v}
    image_pull_policy: Always # each time
  volumes: [{name: v, emptyDir: {}}]
`
	f, err := check.Parse("train.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o, err := Operation(f, Fill{Volume: Volume{Claim: "data"}})
	if err != nil {
		t.Fatal(err)
	}
	have, err := o.Source([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"      volumeMounts: # data\n      - {name: v, mountPath: /v}\n", "      imagePullPolicy: Always # each time\n"} {
		if !strings.Contains(string(have), want) {
			t.Errorf("%s\nhas no\n%s", have, want)
		}
	}
	if strings.Contains(string(have), "volume_mounts") || !strings.Contains(string(have), "/polyaxon-v1-data") {
		t.Errorf("%s", have)
	}
}

// BenchmarkPolyaxonfileRender measures making the operation of a job's file, and the text
// of that file with the operation's value.
func BenchmarkPolyaxonfileRender(b *testing.B) {
	test := fills()["everything"]
	b.Run("operation", func(b *testing.B) {
		for b.Loop() {
			f, err := check.Parse("train.yml", []byte(test.text))
			if err != nil {
				b.Fatal(err)
			}
			o, err := Operation(f, test.fill)
			if err != nil || len(o.YAML()) == 0 {
				b.Fatal(err)
			}
		}
	})
	b.Run("source", func(b *testing.B) {
		for b.Loop() {
			f, err := check.Parse("train.yml", []byte(test.text))
			if err != nil {
				b.Fatal(err)
			}
			o, err := Operation(f, test.fill)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := o.Source([]byte(test.text), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
