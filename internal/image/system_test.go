package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/source"
)

var (
	libc  = debiantest.Deb{Name: "libc6", Version: "2.36"}
	libgl = debiantest.Deb{Name: "libgl1", Version: "1.6-1", Fields: map[string]string{"Depends": "libc6 (>= 2.34), libglvnd0"}, Files: map[string]string{"usr/lib/libGL.so.1": "GL 1.6"}, Compression: "xz"}
	glvnd = debiantest.Deb{Name: "libglvnd0", Version: "1.6-1", Architecture: "all", Files: map[string]string{"lib/libGLdispatch.so.0": "dispatch"}, Compression: "gz"}
)

// debianBase pushes a base with files.
func debianBase(t *testing.T, r *registry.Client, name string, files map[string]string) string {
	t.Helper()
	var nodes []node
	for _, file := range slices.Sorted(func(yield func(string) bool) {
		for file := range files {
			if !yield(file) {
				return
			}
		}
	}) {
		if target, ok := strings.CutPrefix(files[file], "->"); ok {
			nodes = append(nodes, symlink(file, target))
			continue
		}
		nodes = append(nodes, node{name: file, kind: '0', mode: 0o644, text: files[file]})
	}
	return rootBase(t, r, "bases/"+name, nil, nodes)
}

// buildOrder builds an image as slipway build does.
func buildOrder(t *testing.T, s Spec, r *registry.Client) (*Pushed, error) {
	t.Helper()
	b := NewBuilder(Order{Spec: s, To: r, Tags: func() []string { return nil }})
	if err := b.Check(t.Context()); err != nil {
		return nil, err
	}
	return b.Build(t.Context())
}

func systemSpec(t *testing.T, base string, packages ...string) Spec {
	t.Helper()
	s := filesSpec(files{"a.txt": "1"}.write(t), "a.txt")
	s.Base, s.System, s.Now = base, packages, func() time.Time { return debiantest.Now }
	s.Bases = blobcache.New(t.TempDir(), 1<<30)
	s.SystemAt = map[string]source.Position{"": at}
	return s
}

// filesOf returns the files of the layers that were put on a base of one layer.
func filesOf(t *testing.T, r *registry.Client, pushed *Pushed) map[string]string {
	t.Helper()
	image, err := remote.Image(pushed.Reference, options(t, r)...)
	must(t, err)
	return owned(t, image, 1)
}

func TestSystem(t *testing.T) {
	t.Parallel()
	r := memory(t)
	repository := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd)
	s := systemSpec(t, debianBase(t, r, "debian", repository.Base(t, repository.Serve(t), libc)), "libgl1")
	var said []string
	s.Notice = func(n Notice) { said = append(said, n.Text) }
	first, err := buildOrder(t, s, r)
	must(t, err)
	got := filesOf(t, r, first)
	if got["/usr/lib/libGL.so.1"] == "" || got["/usr/lib/libGLdispatch.so.0"] == "" || got["/var/lib/dpkg/status"] == "" || got["/app/a.txt"] == "" || first.Layers != 3 {
		t.Errorf("%d layers: %v", first.Layers, got)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "system packages: 2 of 2") || !strings.Contains(text, "slipway.lock has the versions of the system packages of image train: commit it") {
		t.Error(text)
	}
	locked, err := os.ReadFile(filepath.Join(s.Dir, "slipway.lock"))
	must(t, err)

	// With the lock, the repository is not asked, not even by CI for another image on the same base.
	before := repository.Requests()
	s.FrozenSystem = true
	if again, err := buildOrder(t, s, r); err != nil || !again.UpToDate || again.Reference != first.Reference {
		t.Error(again, err)
	}
	must(t, os.WriteFile(filepath.Join(s.Dir, "a.txt"), []byte("2"), 0o644))
	s.Bases = blobcache.New(t.TempDir(), 1<<30) // another machine
	if edited, err := buildOrder(t, s, r); err != nil || !slices.Equal(edited.Changed, []string{"a.txt"}) {
		t.Error(edited, err)
	}
	if repository.Requests() != before {
		t.Errorf("%d requests to the repository", repository.Requests()-before)
	}

	// A newer version is taken only when the user asks for it.
	newer := libgl
	newer.Version, newer.Files = "1.7-1", map[string]string{"usr/lib/libGL.so.1": "GL 1.7"}
	repository.Publish(t, newer, glvnd)
	s.FrozenSystem = false
	if same, err := buildOrder(t, s, r); err != nil || !same.UpToDate {
		t.Error(same, err)
	}
	if now, err := os.ReadFile(filepath.Join(s.Dir, "slipway.lock")); err != nil || string(now) != string(locked) {
		t.Errorf("the lock has changed: %v", err)
	}
	s.UpgradeSystem = true
	moved, err := buildOrder(t, s, r)
	if err != nil || !slices.Equal(moved.Changed, []string{"libgl1 1.6-1 -> 1.7-1"}) {
		t.Error(moved, err)
	}

	// The same lock makes the same image in another directory.
	s.UpgradeSystem = false
	other := s
	other.Dir = files{"a.txt": "2"}.write(t)
	text, err := os.ReadFile(filepath.Join(s.Dir, "slipway.lock"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(other.Dir, "slipway.lock"), text, 0o644))
	if copied, err := buildOrder(t, other, memoryWith(t, r)); err != nil || copied.Reference.DigestStr() != moved.Reference.DigestStr() {
		t.Error(copied, err)
	}
}

// memoryWith returns a client for the same registry under another prefix.
func memoryWith(t *testing.T, r *registry.Client) *registry.Client {
	t.Helper()
	other := *r
	other.Prefix += "/other"
	return &other
}

// An index has the packages of each platform.
func TestSystemOfTwoPlatforms(t *testing.T) {
	t.Parallel()
	r := memory(t)
	arm := libgl
	arm.Architecture = "arm64"
	repository := debiantest.New(t, debiantest.NewKey(t), libgl, arm, glvnd)
	s := systemSpec(t, "", "libgl1")
	s.Platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}}
	s.Base = debianBase(t, r, "debian", repository.Base(t, repository.Serve(t), libc))
	_, err := buildOrder(t, s, r)
	must(t, err)
	s.Platforms, s.FrozenSystem = append(s.Platforms, v1.Platform{OS: "linux", Architecture: "arm64"}), true
	_, err = buildOrder(t, s, r)
	wantSourceError(t, err, "image train: slipway.lock does not have the versions of its system packages for linux/arm64 (run slipway build train on your machine, and commit slipway.lock)")
}

// Whatever is wrong is an error at its place, and nothing is written.
func TestSystemErrors(t *testing.T) {
	t.Parallel()
	r := memory(t)
	needy := debiantest.Deb{Name: "needy", Version: "1", Control: map[string]string{"postinst": "#!/bin/sh\nadduser x\n"}}
	user := debiantest.Deb{Name: "user", Version: "1", Fields: map[string]string{"Depends": "needy"}}
	repository := debiantest.New(t, debiantest.NewKey(t), libgl, glvnd, needy, user)
	address := repository.Serve(t)
	debian := debianBase(t, r, "debian", repository.Base(t, address, libc))
	alpine := debianBase(t, r, "alpine", map[string]string{"etc/os-release": "ID=alpine\n"})
	gone := debianBase(t, r, "gone", repository.Base(t, address+"/none", libc))
	for _, c := range []struct{ base, name, want string }{
		{debian, "libgl2", "there is no package libgl2 for amd64 in the repositories of the base (did you mean libgl1?)"},
		{debian, "needy", "the package needy needs its script postinst, which slipway does not run: line 2 has adduser (install it with apt-get in a Dockerfile"},
		{debian, "user", "user cannot be added: the package needy needs its script postinst, which slipway does not run"},
		{alpine, "libgl1", "the base " + alpine + " has no dpkg status"},
	} {
		s := systemSpec(t, c.base, c.name)
		_, err := buildOrder(t, s, r)
		wantSourceError(t, err, "image train: "+c.want)
		if _, err := os.Stat(filepath.Join(s.Dir, "slipway.lock")); err == nil {
			t.Errorf("%s: slipway.lock was written", c.want)
		}
	}
	s := systemSpec(t, gone, "libgl1")
	if _, err := buildOrder(t, s, r); err == nil || errors.As(err, new(*source.Error)) || !strings.Contains(err.Error(), at.String()+": image train: "+address+"/none/dists/stable/Release responded with 404 Not Found") {
		t.Error(err)
	}
	s.FrozenSystem = true
	_, err := buildOrder(t, s, r)
	wantSourceError(t, err, "slipway.lock does not have the versions")
	must(t, os.WriteFile(filepath.Join(s.Dir, "slipway.lock"), []byte("{\n<<<<<<< HEAD\n"), 0o644))
	if _, err := buildOrder(t, s, r); err == nil || !strings.Contains(err.Error(), "slipway.lock:2:1: it has a merge conflict") {
		t.Error(err)
	}
	// A build that is cancelled says so.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewBuilder(Order{Spec: systemSpec(t, debian, "libgl1"), To: r, Tags: func() []string { return nil }}).Build(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
