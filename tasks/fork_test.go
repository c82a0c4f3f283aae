package tasks

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// TestForksImages builds the images of a fork's pull request, as docs/github-actions.md says: one of
// a Dockerfile is not built, and one whose base, or whose index of packages, asks for a login is
// unknown. The place of the images gets no request. check looks at every release of Polyaxon, since
// the server cannot be asked for its own.
func TestForksImages(t *testing.T) {
	asked := map[string]int{}
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[strings.Split(r.URL.Path, "/")[1]]++
		w.Header().Set("Www-Authenticate", `Basic realm="private"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(closed.Close)
	env, events, pushed := laptopWith(t, map[string]string{
		"slipway.yaml": "project: story\nregistry: REGISTRY\npolyaxon: {host: 'https://p.example.com', token: 'env:PLX'}\nimages:\n  mine: {files: [job.yml]}\n  docker: {dockerfile: Dockerfile}\n" +
			"  based: {base: '" + strings.TrimPrefix(closed.URL, "http://") + "/private/base:1', files: [job.yml]}\n  packages: {python: {base: 'archive:base.tar', requirements: lock.txt}}\n" +
			"jobs: {train: {polyaxonfile: job.yml, image: mine}}\n",
		"Dockerfile": "FROM scratch\nCOPY job.yml /\n", "job.yml": strings.Replace(jobFile, "image:", "args: [epochs, '0'], image:", 1),
		"lock.txt":   "--index-url " + closed.URL + "/simple\nnumpy==2.1.0 --hash=sha256:" + strings.Repeat("01", 32) + "\n",
		"event.json": `{"pull_request": {"number": 7, "head": {"repo": {"full_name": "mallory/churn"}}, "base": {"repo": {"full_name": "acme/churn"}}}}`,
	})
	base, err := mutate.Config(empty.Image, v1.Config{Env: []string{"PYTHON_VERSION=3.12.4", "PATH=/usr/local/bin"}})
	if err == nil {
		err = crane.Save(base, "python:3.12", "base.tar")
	}
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": "event.json"}
	env.Lookup = func(name string) (string, bool) { value, ok := variables[name]; return value, ok }
	r, err := Build(t.Context(), env, BuildOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, events)
	}
	if want := map[string]string{"image mine": "push", "image docker": "build", "image based": "unknown", "image packages": "unknown"}; !maps.Equal(actionsIn(r), want) || r.LeftOut == nil {
		t.Errorf("%v, %+v\n%s", actionsIn(r), r.LeftOut, events)
	}
	if asked["v2"] == 0 || asked["simple"] == 0 || pushed() != 0 {
		t.Errorf("the base and the index were asked %v times, the registry %d times", asked, pushed())
	}
	checked, err := Check(t.Context(), env, CheckOptions{})
	if err != nil || len(checked.Problems) != 1 || !slices.Equal(checked.Problems[0].Versions, []string{"1.11.3"}) {
		t.Errorf("%v, %+v", err, checked.Problems)
	}
}
