package image

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// An index whose images state no platforms is an error.
func TestIndexWithoutPlatforms(t *testing.T) {
	r := memory(t)
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: baseImage(t, v1.Platform{OS: "linux", Architecture: "amd64"})})
	s := filesSpec(files{"a": "1"}.write(t), "a")
	s.Base = put(t, r, "bases/odd", func(ref name.Reference) error { return remote.WriteIndex(ref, index, options(t, r)...) })
	wantSourceError(t, refused(t, s, r), "does not state the platforms of its images")
}

// The error for a base in a registry that limits requests says so.
func TestBaseOfABusyRegistry(t *testing.T) {
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.Header().Set("Retry-After", "21600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	s := filesSpec(files{"a": "1"}.write(t), "a")
	s.Base = strings.SplitN(r.Prefix, "/", 2)[0] + "/library/python:3.12"
	_, err := Prepare(t.Context(), s, r)
	if err == nil || !strings.Contains(err.Error(), "rate limit of the registry") || !strings.Contains(err.Error(), "6h0m0s") || !strings.Contains(err.Error(), "mirror") {
		t.Error(err)
	}
}

// The error for a virtual environment in the tree says what it is.
func TestVirtualEnvironmentInTheTree(t *testing.T) {
	s := filesSpec(files{"a.py": "1", ".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/bin/python": "->/usr/bin/python3"}.write(t), ".")
	wantSourceError(t, refused(t, s, memory(t)), ".venv is a virtual environment, which works on this machine only")
}
