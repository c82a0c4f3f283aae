package registry

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

func TestRetag(t *testing.T) {
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	r := serve(t, f)
	push := func(image string, tags ...string) *name.Digest {
		t.Helper()
		pushed, err := newSample(t).push(t.Context(), r, image, tags...)
		must(t, err)
		return pushed
	}
	train := push("train", "abc")
	push("api", "abc")
	push("old", "other")

	f.InterceptWith(nil)
	_, err := r.Retag(t.Context(), []string{"train", "old", "api", "never"}, "abc", "v1", false)
	var missing *MissingError
	if !errors.As(err, &missing) || strings.Join(missing.Names, " ") != "old never" {
		t.Errorf("%v", err)
	}
	isUnchanged(t, f)

	done, err := r.Retag(t.Context(), []string{"train", "api"}, "abc", "v1", false)
	must(t, err)
	if len(done) != 2 || done[0].UpToDate || done[0].Reference != *train || !strings.HasSuffix(done[0].Tag.String(), "/train:v1") {
		t.Errorf("%+v", done)
	}
	f.InterceptWith(nil)
	again, err := r.Retag(t.Context(), []string{"train", "api"}, "abc", "v1", false)
	must(t, err)
	if !again[0].UpToDate || !again[1].UpToDate {
		t.Errorf("%+v", again)
	}
	isUnchanged(t, f)

	newer := push("train", "def")
	push("api", "def")
	f.InterceptWith(nil)
	var taken *TakenError
	if _, err := r.Retag(t.Context(), []string{"train", "api"}, "def", "v1", false); !errors.As(err, &taken) || !strings.Contains(err.Error(), "use --force to move it") {
		t.Errorf("%v", err)
	}
	isUnchanged(t, f)
	moved, err := r.Retag(t.Context(), []string{"train", "api"}, "def", "v1", true)
	must(t, err)
	if moved[0].UpToDate || moved[0].Reference != *newer {
		t.Errorf("%+v", moved)
	}
	if _, err := r.Retag(t.Context(), []string{"train"}, "def", "v 1", false); err == nil {
		t.Error("a bad tag is taken")
	}
}

func isUnchanged(t *testing.T, f *registrytest.Faults) {
	t.Helper()
	requests, _ := f.Log()
	for _, request := range requests {
		if !strings.HasPrefix(request, http.MethodGet) && !strings.HasPrefix(request, http.MethodHead) {
			t.Errorf("it is changed by %s", request)
		}
	}
}
