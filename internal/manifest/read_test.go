package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
)

// read reads the manifests of a project with the given files. Its slipway.yaml has the images
// api and train, and manifests: [k8s] unless files has a slipway.yaml.
func read(t *testing.T, files map[string]string) ([]*Object, error) {
	t.Helper()
	dir := t.TempDir()
	if files["slipway.yaml"] == "" {
		files["slipway.yaml"] = "images: {api: {files: [.]}, train: {files: [.]}}\nmanifests: [k8s]\n"
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	lookup := func(name string) (string, bool) {
		value, set := map[string]string{"REPLICAS": "3", "YAML": "{a: b}", "EMPTY": "", "YES": "yes"}[name]
		return value, set
	}
	c, err := config.Load("slipway.yaml", config.Options{Lookup: lookup})
	if err != nil {
		t.Fatal(err)
	}
	return Read(c, "serving", lookup)
}

// TestRead reads objects of several documents and files, in the order of their kinds.
func TestRead(t *testing.T) {
	objects, err := read(t, map[string]string{
		"k8s/api.yaml": `# the server
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: serving}
spec:
  replicas: ${REPLICAS}
  template:
    spec:
      initContainers: [{name: init, image: "slipway://train"}]
      containers:
      - name: api
        image: slipway://api
        env: [{name: A, value: "${REPLICAS}"}, {name: B, value: "${YAML}"}, {name: C, value: "${EMPTY}"}, {name: D, value: "$${REPLICAS}"}]
---
---
apiVersion: v1
kind: Service
metadata: {name: api}
`,
		"k8s/model.yml":   "apiVersion: serving.acme.dev/v1\nkind: Model\nmetadata: {name: m}\nspec: {runtime: {server: slipway://api}, none: null, on: yes, mode: 0644, half: 0.5, version: '1.0'}\n",
		"k8s/list.json":   `{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}}]}`,
		"k8s/anchor.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: &n other, labels: &l {a: x, b: *n}, annotations: {<<: *l, a: z}}\n",
		"k8s/README.md":   "no manifest",
	})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, o := range objects {
		have = append(have, o.Position.String()+" "+o.String())
	}
	slash := filepath.FromSlash
	want := []string{
		slash("k8s/anchor.yaml:1:1 Namespace other"), slash("k8s/list.json:1:118 Secret a"), slash("k8s/list.json:1:48 ConfigMap a"),
		slash("k8s/api.yaml:16:1 Service api"), slash("k8s/api.yaml:2:1 Deployment api"), slash("k8s/model.yml:1:1 Model m"),
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	references := map[string]string{"api": "r/api@sha256:1", "train": "r/train@sha256:2"}
	deployment := objects[4]
	if diff := cmp.Diff([]string{"api", "train"}, deployment.Images()); diff != "" {
		t.Errorf("images (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"replicas": int64(3), "template": map[string]any{"spec": map[string]any{
			"initContainers": []any{map[string]any{"name": "init", "image": "r/train@sha256:2"}},
			"containers": []any{map[string]any{"name": "api", "image": "r/api@sha256:1", "env": []any{
				map[string]any{"name": "A", "value": "3"}, map[string]any{"name": "B", "value": "{a: b}"},
				map[string]any{"name": "C", "value": ""}, map[string]any{"name": "D", "value": "${REPLICAS}"},
			}}},
		}},
	}, deployment.With(references).Object["spec"]); diff != "" {
		t.Errorf("spec (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"api", "train"}, deployment.Images()); diff != "" {
		t.Errorf("With changes the object (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"runtime": map[string]any{"server": "r/api@sha256:1"}, "none": nil, "on": true, "mode": int64(420), "half": 0.5, "version": "1.0",
	}, objects[5].With(references).Object["spec"]); diff != "" {
		t.Errorf("a kind of its own (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"a": "z", "b": "other"}, objects[0].With(nil).GetAnnotations()); diff != "" {
		t.Errorf("merged keys (-want +got)\n%s", diff)
	}
}

// TestPaths reads files by their paths and by patterns, and each file once.
func TestPaths(t *testing.T) {
	config := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
	}
	objects, err := read(t, map[string]string{
		"slipway.yaml": "manifests: [a/1.yaml, 'a/*.yaml', c, 'b*']\n",
		"a/1.yaml":     config("a1"), "a/2.yaml": config("a2"), "a/3.yml": config("a3"), "b1/x.yaml": config("b1"), "b2/x.yaml": config("b2"), "c/x.yaml": config("c"), "c/below/x.yaml": config("below"),
	})
	var have []string
	for _, o := range objects {
		have = append(have, o.Name())
	}
	if diff := cmp.Diff([]string{"a1", "a2", "c", "b1", "b2"}, have); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestErrors reads manifests with mistakes. Each is one error, with its place.
func TestErrors(t *testing.T) {
	const head = "apiVersion: v1\nkind: ConfigMap\n"
	for _, c := range []struct{ text, want string }{
		{"apiVersion: v1\nmetadata: {name: a}\n", "k8s/x.yaml:1:1: a manifest needs kind"},
		{"apiVersion: v1\nknd: ConfigMap\nmetadata: {name: a}\n", "k8s/x.yaml:1:1: a manifest needs kind (it has knd: did you mean kind?)"},
		{"kind: ConfigMap\nmetadata: {name: a}\n", "k8s/x.yaml:1:1: a manifest needs apiVersion"},
		{"apiVersion: a/b/c\nkind: ConfigMap\nmetadata: {name: a}\n", `k8s/x.yaml:1:13: apiVersion "a/b/c" is not valid (write it as GROUP/VERSION, such as apps/v1)`},
		{"apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}\n", "k8s/x.yaml:1:13: apiVersion must be text (put it in quotes)"},
		{head, "k8s/x.yaml:1:1: the manifest has no metadata with a name"},
		{head + "metadata: {nam: a}\n", "k8s/x.yaml:3:11: metadata needs name (it has nam: did you mean name?)"},
		{head + "metadata: {name: 5}\n", "k8s/x.yaml:3:18: name must be text (put it in quotes)"},
		{head + "metadata: {generateName: a-}\n", "k8s/x.yaml:3:26: metadata.name is missing, and generateName does not replace it (give it a name: what has none would be another object at each apply)"},
		{head + "metadata: [a]\n", "k8s/x.yaml:3:11: metadata must be a mapping"},
		{head + "metadata:\n  name: a\n  namespace: default\n", "k8s/x.yaml:5:14: namespace default is not that of slipway.yaml, serving (slipway applies to cluster.namespace only: correct it, or leave it out)"},
		{head + "metadata: {name: a}\n---\n" + head + "metadata: {name: a}\n", "k8s/x.yaml:5:1: ConfigMap a is already at k8s/x.yaml:1:1"},
		{"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {good: aGk=, bad: 'not base64!'}\n", "k8s/x.yaml:4:25: data.bad of a Secret must be base64 (encode it, or put plain text under stringData)"},
		{head + "metadata: {name: a}\ndata: {image: slipway://apj}\n", "k8s/x.yaml:4:15: image apj not found (did you mean slipway://api?)"},
		{head + "metadata: {name: a}\ndata: {image: 'slipway://api:v1'}\n", "k8s/x.yaml:4:15: image api:v1 not found (write slipway://api: slipway adds the digest)"},
		{head + "metadata: {name: a}\ndata: {image: slipway://something}\n", "k8s/x.yaml:4:15: image something not found (known images are api, train)"},
		{head + "metadata: {name: a}\ndata: {a: \"${NONE}\"}\n", "k8s/x.yaml:4:11: the environment variable NONE is not set (set it, or write ${NONE:-default})"},
		{head + "metadata: {name: a}\ndata: {a: \"${x\"}\n", "k8s/x.yaml:4:11: ${ is not closed by } (write $${ for a plain ${)"},
		{head + "metadata: {name: a}\ndata: {a: b, a: c}\n", "k8s/x.yaml:4:14: duplicate key a: already set at line 4"},
		{head + "metadata: {name: {{ .Values.name }}}\n", "k8s/x.yaml:3:19: a key must be text, and {{ is a mapping in YAML (if this is a template of Helm, render it first, by helm template)"},
		{head + "metadata: {name: a}\ndata: {? [a] : b}\n", "k8s/x.yaml:4:10: a key must be text"},
		{head + "metadata: {name: a, labels: &l {a: '${NONE}'}, annotations: *l}\n", "k8s/x.yaml:3:36: the environment variable NONE is not set (set it, or write ${NONE:-default})"},
		{"- a\n", "k8s/x.yaml:1:1: a manifest must be a mapping, not a list"},
		{"a: &a [*a]\n", "k8s/x.yaml:1:1: the manifest is nested too deeply, or too large when its aliases are expanded"},
		{head + "metadata: {name: a\n", "k8s/x.yaml:4:1: the bracket { of line 3 is not closed (or a comma is missing before this)"},
		{"apiVersion: v1\nkind: List\nitems: [{kind: ConfigMap, metadata: {name: a}}]\n", "k8s/x.yaml:3:9: a manifest needs apiVersion"},
	} {
		_, err := read(t, map[string]string{"k8s/x.yaml": c.text})
		all := source.Flatten(err)
		if len(all) != 1 || !errors.As(err, new(*source.Error)) {
			t.Errorf("%s\ngives %v", c.text, err)
			continue
		}
		if have := filepath.ToSlash(all[0].Error()); have != c.want {
			t.Errorf("%s\ngives %s\n want %s", c.text, have, c.want)
		}
	}
	for paths, want := range map[string]string{
		"k9s":         "slipway.yaml:1:13: manifests: k9s not found",
		"'*.json'":    "slipway.yaml:1:13: manifests: *.json matches no files",
		"empty":       "slipway.yaml:1:13: manifests: empty has no .yaml, .yml or .json files",
		"void.yaml":   "slipway.yaml:1:13: manifests: void.yaml has no objects (write objects into it, or remove it from manifests)",
		"void":        "slipway.yaml:1:13: manifests: void has no objects (write objects into it, or remove it from manifests)",
		"empty, none": "slipway.yaml:1:13: manifests: empty has no .yaml, .yml or .json files\nslipway.yaml:1:20: manifests: none not found",
	} {
		if _, err := read(t, map[string]string{"slipway.yaml": "manifests: [" + paths + "]\n", "empty/README.md": "", "void.yaml": "", "void/a.yaml": "# later\n---\n", "void/b.json": "null"}); err == nil || err.Error() != want {
			t.Errorf("%s gives %v", paths, err)
		}
	}
	some, err := read(t, map[string]string{"slipway.yaml": "manifests: [some, some/a.yaml]\n", "some/a.yaml": "", "some/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
	if err != nil || len(some) != 1 {
		t.Errorf("a directory with an empty file gives %v, %v", some, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\na: &a {<<: *a}\n")
	f.Add("kind: List\napiVersion: v1\nitems: [&a {<<: [*a]}, slipway://x, ${X}]\n")
	f.Add("kind: X\napiVersion: v1\nmetadata: {name: a, <<: {namespace: default}}\n")
	f.Add("kind: X\napiVersion: v1\nmetadata: {<<: {generateName: a-}}\n")
	f.Add("{<<: {apiVersion: a/b/c}, kind: X, metadata: {name: a b}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := &reader{file: "x.yaml", namespace: "serving", lookup: func(string) (string, bool) { return "", false }, seen: map[identity]source.Position{}}
		for _, document := range r.documents([]byte(text)) {
			r.document(document)
		}
		sortByKind(r.objects)
		for _, o := range r.objects {
			o.With(nil)
		}
		for _, e := range r.errs {
			if e.Line < 1 {
				t.Errorf("%v has no line", e)
			}
		}
	})
}
