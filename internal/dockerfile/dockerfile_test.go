package dockerfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// TestInvalidSpecs checks that invalid specs are refused before BuildKit is asked.
func TestInvalidSpecs(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"Dockerfile": "", "docker/api.Dockerfile": ""})
	at := source.Position{File: "slipway.yaml", Line: 3, Column: 5}
	good := Output{Repository: "127.0.0.1:1/app"}
	for _, c := range []struct {
		spec   Spec
		output Output
		want   string
	}{
		{Spec{File: "../Dockerfile"}, good, `slipway.yaml:3:5: image app: the Dockerfile "../Dockerfile" is not in the repository (name it by its path from the repository's root)`},
		{Spec{File: "/Dockerfile"}, good, `slipway.yaml:3:5: image app: the Dockerfile "/Dockerfile" is not in the repository (name it by its path from the repository's root)`},
		{Spec{File: "docker"}, good, `slipway.yaml:3:5: image app: docker is not a regular file (name the file in it)`},
		{Spec{File: "docker/ap.Dockerfile"}, good, `slipway.yaml:3:5: image app: docker/ap.Dockerfile not found (did you mean docker/api.Dockerfile?)`},
		{Spec{Platforms: []string{"linux"}}, good, `slipway.yaml:3:5: image app: "linux" is not a valid platform (write it like linux/amd64)`},
		{Spec{Platforms: []string{"linux/amd64,linux/arm64"}}, good, `slipway.yaml:3:5: image app: "linux/amd64,linux/arm64" is not a valid platform (write it like linux/amd64)`},
		{Spec{SSH: true}, good, `slipway.yaml:3:5: image app: it needs an SSH agent, but SSH_AUTH_SOCK is not set (start one: eval $(ssh-agent) && ssh-add)`},
		{Spec{Secrets: map[string]secret.Value{"big": secret.NewValue(make([]byte, maxSecret+1))}}, good,
			`slipway.yaml:3:5: image app: the secret big has 512001 bytes, but BuildKit accepts at most 512000 (put large data elsewhere)`},
		{Spec{}, Output{Repository: "UPPER"}, `slipway.yaml:3:5: image app: "UPPER" is not a valid repository: `},
		{Spec{}, Output{Repository: "127.0.0.1:1/app", Tags: []string{"a b"}}, `slipway.yaml:3:5: image app: "a b" is not a valid tag: `},
	} {
		c.spec.Name, c.spec.Dir, c.spec.At = "app", dir, at
		_, err := (&Builder{}).Build(t.Context(), c.spec, c.output, nil)
		var usage *source.Error
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// TestCheckFindsTheDockerfile checks what is said of a Dockerfile before anything is built.
func TestCheckFindsTheDockerfile(t *testing.T) {
	dir := write(t, t.TempDir(), map[string]string{"docker/api.Dockerfile": ""})
	for file, want := range map[string]string{
		"docker/api.Dockerfile": "",
		"docker/ap.Dockerfile":  "slipway.yaml:3:5: image app: docker/ap.Dockerfile not found (did you mean docker/api.Dockerfile?)",
		"Dockerfile":            "slipway.yaml:3:5: image app: Dockerfile not found (paths are relative to the repository's root)",
		"docker":                "slipway.yaml:3:5: image app: docker is a directory",
	} {
		o := Order{File: file, FileAt: source.Position{File: "slipway.yaml", Line: 3, Column: 5}, Offline: true}
		o.Name, o.Dir = "app", dir
		got := ""
		if err := NewBuilder(o).Check(t.Context()); err != nil {
			got = err.Error()
		}
		if got != want && (want == "" || !strings.HasPrefix(got, want)) {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

// FuzzLog splits the output of a step at any position. The lines must be the same, and a
// masker must find every secret in them.
func FuzzLog(f *testing.F) {
	f.Add("one\ntwo\r\nhidden-value three", uint8(5))
	f.Add("10%\r20%\r30%\n", uint8(1))
	f.Add(strings.Repeat("x", lineBytes-5)+"hidden-value", uint8(200))
	f.Add(strings.Repeat("x", lineBytes-8)+"hidden-value", uint8(200))
	f.Add("hidden-v", uint8(3))
	f.Add(strings.Repeat("x", 5000)+"\n\xff\n", uint8(0))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		lines := func(size int) (found []string) {
			w := newWatcher(func(p Progress) {
				if p.Event == Log {
					found = append(found, p.Line)
				}
			})
			const id = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
			statuses := make(chan *client.SolveStatus)
			done := make(chan struct{})
			go func() { defer close(done); w.watch(statuses) }()
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				statuses <- &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: id, Data: []byte(rest[:n])}}}
				rest = rest[n:]
			}
			statuses <- &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: id, Cached: true}}}
			close(statuses)
			<-done
			return found
		}
		whole, cut := lines(max(1, len(text))), lines(int(size)+1)
		if a, b := strings.Join(whole, "\n"), strings.Join(cut, "\n"); a != b {
			t.Errorf("in one piece %q, in pieces of %d %q", a, int(size)+1, b)
		}
		masker := secret.NewMasker()
		masker.Add(secret.NewValue([]byte("hidden-value")))
		own := strings.Contains(strings.ReplaceAll(text, "hidden-value", ""), "hidden-v") // in the text itself, not in a secret
		for _, line := range cut {
			if line = masker.Mask(line); strings.Contains(line, "hidden-v") && !own {
				t.Errorf("the secret is in %q", line)
			}
		}
	})
}
