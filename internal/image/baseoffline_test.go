package image

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/registry/registrytest"
)

// A base that was read once is there without a network, for another tree and another registry. Its
// tag is then what it was, and a warning says how long ago.
func TestBaseOffline(t *testing.T) {
	t.Parallel()
	var offline atomic.Bool
	inMemory := registrytest.InMemory()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if offline.Load() {
			panic(http.ErrAbortHandler)
		}
		inMemory.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	base := pushBase(t, at127(server.URL), "bases/one", v1.Platform{OS: "linux", Architecture: "amd64"})
	cache, now := blobcache.New(t.TempDir(), 1<<20), time.Unix(1_800_000_000, 0)
	var warnings []string
	spec := func() Spec {
		s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
		s.Base, s.Bases, s.Now = base, cache, func() time.Time { return now }
		s.Notice = func(n Notice) {
			if n.Level == Warning {
				warnings = append(warnings, n.Text)
			}
		}
		return s
	}
	want := build(t, spec(), memory(t))
	offline.Store(true)
	now = now.Add(49 * time.Hour)
	if len(warnings) > 0 {
		t.Errorf("there are warnings: %q", warnings)
	}
	r := memory(t)
	r.Pause = func(context.Context, time.Duration) error { return nil }
	have := build(t, spec(), r)
	if diff := cmp.Diff(layersOf(t, want.V1), layersOf(t, have.V1)); diff != "" || have.Digest != want.Digest {
		t.Errorf("offline the image is %s instead of %s: %s", have.Digest, want.Digest, diff)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "which it was 2 days ago") {
		t.Errorf("the warnings are %q", warnings)
	}
	s := spec()
	s.Base = strings.TrimSuffix(base, ":1") + ":2"
	if err := refused(t, s, r); err == nil || !strings.Contains(err.Error(), "read the base "+s.Base) {
		t.Errorf("a tag that was never asked for: %v", err)
	}
	s.Kind, s.Requirements = KindPython, "a.py"
	if err := refused(t, s, r); err == nil || !strings.Contains(err.Error(), `base: "apt:bookworm" makes a base`) {
		t.Errorf("a base with Python: %v", err)
	}
}

// A registry that answers is not offline: a tag that is gone is an error.
func TestDeletedTagIsNotOffline(t *testing.T) {
	t.Parallel()
	f := &registrytest.Faults{Next: registrytest.InMemory()}
	at := serve(t, f)
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	s.Base, s.Bases = pushBase(t, at, "bases/one", v1.Platform{OS: "linux", Architecture: "amd64"}), blobcache.New(t.TempDir(), 1<<20)
	build(t, s, memory(t))
	f.Next = registrytest.InMemory()
	if err := refused(t, s, memory(t)); err == nil || !strings.Contains(err.Error(), "was not found") {
		t.Errorf("a tag that was deleted: %v", err)
	}
}

// A base is read from the mirror of its registry, and makes the same image.
func TestBaseMirror(t *testing.T) {
	t.Parallel()
	mirror, r := memory(t), memory(t)
	pushBase(t, mirror, "hub/team/base", v1.Platform{OS: "linux", Architecture: "amd64"})
	r.Mirrors = map[string]string{"docker.io": mirror.Prefix + "/hub"}
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	s.Base = "team/base:1"
	made := build(t, s, r)
	manifest, err := made.V1.Manifest()
	must(t, err)
	if name := manifest.Annotations["org.opencontainers.image.base.name"]; name != "team/base:1" {
		t.Errorf("the base is named %s", name)
	}
	r.Mirrors = map[string]string{"index.docker.io": mirror.Prefix + "/hub"}
	if again := build(t, s, r); again.Digest != made.Digest {
		t.Error("by another name of Docker Hub it is another image")
	}
	if err := CheckBase(t.Context(), s, r); err != nil {
		t.Errorf("the base in the mirror: %v", err)
	}
	s.Base = "team/none:1"
	if err := refused(t, s, r); err == nil || !strings.Contains(err.Error(), "was not found at "+mirror.Prefix+"/hub/team/none:1") || !strings.Contains(err.Error(), "registry-mirrors") {
		t.Errorf("a base that the mirror lacks: %v", err)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{time.Second: "less than a minute", time.Minute: "1 minute", 59 * time.Minute: "59 minutes", 25 * time.Hour: "1 day", -time.Hour: "less than a minute"} {
		if got := age(d); got != want {
			t.Errorf("%s is %s", d, got)
		}
	}
}
