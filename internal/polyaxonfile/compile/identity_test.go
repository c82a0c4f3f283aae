package compile

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

const identityYML = `version: 1.1
kind: operation
name: train
params: {EPOCHS: {value: 3}}
component:
  inputs: [{name: EPOCHS, type: int}]
  run:
    kind: job
    environment: {labels: {team: ml}}
    container: {image: "r/i@sha256:aa", args: ["--epochs={{ EPOCHS }}"]}
`

// TestIdentity checks which changes make a run another one, and which do not.
func TestIdentity(t *testing.T) {
	identity := func(text string, version schema.Version) string {
		t.Helper()
		compiled, err := Operation([]byte(text), version)
		if err != nil {
			t.Fatal(err)
		}
		return compiled.Identity()
	}
	want := identity(identityYML, schema.Newest())
	if len(want) != 64 || want != identity(identityYML, schema.Newest()) {
		t.Errorf("the identity is %q, and another one the second time", want)
	}
	for change, same := range map[string]bool{
		"name: train=name: other": true,
		"kind: operation=kind: operation\ndescription: a commit\ntags: [x]": true,
		"r/i@sha256:aa=other.registry/team/i@sha256:aa":                     true,
		"{team: ml}={team: ml, slipway.dev/commit: abc}":                    true,
		"version: 1.1=version: 2.0":                                         true,
		"{value: 3}={value: 4}":                                             false,
		"{team: ml}={team: other}":                                          false,
		"@sha256:aa=@sha256:bb":                                             false,
		"--epochs==--epoch=":                                                false,
		"kind: job=kind: notifier":                                          false,
		"kind: job=kind: job\n    # a comment":                              true,
	} {
		old, now, _ := strings.Cut(change, "=")
		if change == "--epochs==--epoch=" {
			old, now = "--epochs=", "--epoch="
		}
		if have := identity(strings.Replace(identityYML, old, now, 1), schema.Newest()); (have == want) != same {
			t.Errorf("%q: the same is %v, want %v", change, have == want, same)
		}
	}
	arg := func(text string) string {
		return identity(strings.Replace(identityYML, "--epochs={{ EPOCHS }}", text, 1), schema.Newest())
	}
	if arg("--teacher=r/i@sha256:aa") == arg("--student=r/i@sha256:aa") || arg("gs://a/b?x=1@sha256:aa") == arg("gs://a/b?x=2@sha256:aa") {
		t.Error("the text before a digest does not count, though it is more than the name of an image")
	}
	for _, image := range []string{"i", "r.example/i", "r.example:5000/team/i", "[::1]:5000/i", "r.example/i:v1", "localhost:5000/a_b/c-d:1.2"} {
		if arg(image+"@sha256:aa") != arg("r/i@sha256:aa") {
			t.Errorf("the name %s of an image counts", image)
		}
	}
	selected := func(pool string) string {
		return identity(strings.Replace(identityYML, "{labels: {team: ml}}", "{nodeSelector: {slipway.dev/pool: "+pool+"}}", 1), schema.Newest())
	}
	if selected("a") == selected("b") {
		t.Error("a node selector does not count")
	}
	bare := strings.Replace(identityYML, "environment: {labels: {team: ml}}", "environment: {}", 1)
	labelled := strings.Replace(identityYML, "{team: ml}", "{slipway.dev/commit: abc}", 1)
	if identity(strings.Replace(bare, "    environment: {}\n", "", 1), schema.Newest()) != identity(labelled, schema.Newest()) {
		t.Error("a label that says where a run comes from makes another run")
	}
	preset := strings.Replace(identityYML, "params:", "runPatch: {environment: {labels: {team: ml}}}\nparams:", 1)
	if identity(preset, schema.Newest()) != want {
		t.Error("a patch that changes nothing makes another run")
	}
}
