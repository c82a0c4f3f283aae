package job

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
)

// TestDeployKey checks which changes of a job change its deploy key, and which do not.
func TestDeployKey(t *testing.T) {
	const digest = "@sha256:481e7fdf13c75b22a72f5c4ed6838787cf452b61ed16dbfec7a0223bf53b3d8b"
	key := func(job, file, image string, upstream ...string) string {
		t.Helper()
		t.Chdir(t.TempDir())
		for name, text := range map[string]string{"slipway.yaml": "project: p\nimages: {i: {files: [.]}}\njobs: {train: {polyaxonfile: a.yml, image: i" + job + "}}\n", "a.yml": file} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := config.Load("slipway.yaml", config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p := &project.Project{Config: cfg, Env: &project.Env{}}
		operation, err := Operation(t.Context(), p, cfg.Jobs["train"], image)
		if err != nil {
			t.Fatal(err)
		}
		return Keys(p, cfg.Jobs["train"], operation, image, upstream)[0]
	}
	const file = "kind: component\nversion: 1.1\ninputs: [{name: DOCKER_IMAGE, type: str}, {name: n, type: int, value: 1}]\nrun: {kind: job, container: {image: '{{ DOCKER_IMAGE }}', args: ['{{ n }}']}}\n"
	base := key("", file, "a.example/x"+digest)
	if key("", file, "a.example/x"+digest, "0123", "4567") != key("", file, "a.example/x"+digest, "4567", "0123") {
		t.Error("the order in after makes another run")
	}
	for what, same := range map[string]string{
		"another registry":      key("", file, "b.example/y"+digest),
		"comments and order":    key("", "# a comment\nversion: 1.1\nkind: component\nrun: {kind: job, container: {args: ['{{ n }}'], image: '{{ DOCKER_IMAGE }}'}}\ninputs: [{name: DOCKER_IMAGE, type: str}, {name: n, type: int, value: 1}]\n", "a.example/x"+digest),
		"a description":         key("", "description: trains\n"+file, "a.example/x"+digest),
		"a policy of slipway's": key(", on-cancel: leave", file, "a.example/x"+digest),
	} {
		if same != base {
			t.Errorf("%s makes another run", what)
		}
	}
	for what, other := range map[string]string{
		"another image":    key("", file, "a.example/x@sha256:581e7fdf13c75b22a72f5c4ed6838787cf452b61ed16dbfec7a0223bf53b3d8b"),
		"a param":          key(", params: {n: 2}", file, "a.example/x"+digest),
		"a GPU":            key(", gpu: 1", file, "a.example/x"+digest),
		"another upstream": key("", file, "a.example/x"+digest, "0123"),
	} {
		if other == base {
			t.Errorf("%s makes no other run", what)
		}
	}
}

var update = flag.Bool("update", false, "record the keys of operations and identities that testdata does not have")

// TestGoldenKeys compares the keys of a hundred operations with those that were recorded
// when their identity version was added. A key that changes makes every user's jobs run
// again, so -update never overwrites one.
func TestGoldenKeys(t *testing.T) {
	const path = "testdata/keys.jsonl"
	type golden struct {
		Image     string            `json:"image,omitempty"`
		Upstream  []string          `json:"upstream,omitempty"`
		Operation json.RawMessage   `json:"operation"`
		Key       map[string]string `json:"key"`
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var recorded bytes.Buffer
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	distinct := map[string]bool{}
	for i, line := range lines {
		var g golden
		if err := json.Unmarshal(line, &g); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		keys := keysOf("project", "train", pinned(string(g.Operation), g.Image), g.Upstream)
		for n, version := range identityVersions() {
			have := keys[n]
			distinct[version.name+have] = true
			switch want := g.Key[version.name]; {
			case want == "" && *update:
				g.Key[version.name] = have
			case want == "":
				t.Errorf("line %d: no key of %s is recorded: -update records it", i+1, version.name)
			case have != want:
				t.Errorf("line %d: the key of %s is %s and was %s: undo that, or add an identity version (CONTRIBUTING.md, How to change a deploy key)", i+1, version.name, have, want)
			}
		}
		line, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		recorded.Write(append(line, '\n'))
	}
	if len(lines) < 100 || len(distinct) < 100*len(identityVersions()) {
		t.Errorf("%d operations have %d keys", len(lines), len(distinct))
	}
	if *update {
		if err := os.WriteFile(path, recorded.Bytes(), 0o644); err != nil { //nolint:gosec // a source file
			t.Fatal(err)
		}
	}
}
