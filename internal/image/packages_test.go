package image

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/blobcache"
	"github.com/slipway-ci/slipway/internal/debian/debiantest"
	"github.com/slipway-ci/slipway/internal/source"
)

// systemDebs are the packages of a small system.
func systemDebs() []debiantest.Deb {
	essential := map[string]string{"Essential": "yes"}
	return []debiantest.Deb{
		{Name: "base-files", Version: "12", Fields: essential, Files: map[string]string{"usr/lib/os-release": "ID=debian\nVERSION_CODENAME=stable\n", "etc/os-release": "->../usr/lib/os-release"}, Control: map[string]string{"postinst": "#!/bin/sh\nmkdir /mnt\n"}},
		{Name: "libc6", Version: "2.36", Fields: essential, Files: map[string]string{"lib/x86_64-linux-gnu/libc.so.6": "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n", "lib64/ld-linux-x86-64.so.2": "->/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"}},
		{Name: "base-passwd", Version: "3.6", Fields: essential, Files: map[string]string{"usr/share/base-passwd/passwd.master": "root:*:0:0:root:/root:/bin/bash\n"}, Control: map[string]string{"preinst": "#!/bin/sh\ncat >/etc/passwd\n"}},
		{Name: "bash", Version: "5", Fields: map[string]string{"Essential": "yes", "Depends": "libc6"}, Files: map[string]string{"bin/bash": "#!", "usr/share/man/man1/bash.1": "left out", "usr/share/doc/bash/copyright": "free"}},
		{Name: "usr-is-merged", Version: "37"},
		{Name: "python3", Version: "3.11.2", Fields: map[string]string{"Depends": "libc6"}, Files: map[string]string{"usr/bin/python3": "->python3.11", "usr/bin/python3.11": "\x7fELF /lib64/ld-linux-x86-64.so.2", "usr/lib/python3.11/encodings/__init__.py": ""}},
		{Name: "ca-certificates", Version: "1", Files: map[string]string{"usr/share/ca-certificates/mozilla/B.crt": "b", "usr/share/ca-certificates/mozilla/A.crt": "a\n"}, Control: map[string]string{"postinst": "#!/bin/sh\nupdate-ca-certificates\n"}},
		{Name: "libstdc++6", Version: "12"}, {Name: "netbase", Version: "6"}, {Name: "tzdata", Version: "1"}, libgl, glvnd,
	}
}

// packagesSpec returns the spec of a Python image on a base of packages. Its apt sources are in the
// tree, with the keyring beside them.
func packagesSpec(t *testing.T, r *debiantest.Repository, address string) Spec {
	t.Helper()
	s := filesSpec(files{"a.txt": "1", "requirements.txt": "x==1 ; sys_platform == 'win32' --hash=sha256:" + strings.Repeat("0", 64) + "\n",
		"apt/debian.sources": "Types: deb\nURIs: " + address + "\nSuites: stable old\nComponents: main\nSigned-By: test.gpg\n", "apt/test.gpg": string(r.Key.Keyring(t))}.write(t), "a.txt")
	s.Kind, s.Requirements, s.Base, s.AptSources, s.Now = KindPython, "requirements.txt", "apt:stable", "apt/debian.sources", func() time.Time { return debiantest.Now }
	s.Bases = blobcache.New(t.TempDir(), 1<<30)
	s.PositionOf = func(string) source.Position { return at }
	return s
}

func TestPackages(t *testing.T) {
	t.Parallel()
	r := memory(t)
	repository := debiantest.New(t, debiantest.NewKey(t), systemDebs()...)
	s := packagesSpec(t, repository, repository.Serve(t))
	var said []string
	s.Notice = func(n Notice) { said = append(said, n.Text) }
	first, err := buildOrder(t, s, r)
	must(t, err)
	image, err := remote.Image(first.Reference, options(t, r)...)
	must(t, err)
	got := owned(t, image, 0)
	for _, name := range []string{
		"/bin", "/usr/bin/bash", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/A.pem", "/etc/localtime", "/var/lib/dpkg/info/format",
		"/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/ld-linux-x86-64.so.2", "/usr/share/doc/bash/copyright", "/run/lock", "/opt/venv/bin/python", "/app/a.txt",
	} {
		if _, ok := got[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	if _, ok := got["/usr/share/man/man1/bash.1"]; ok {
		t.Error("a manual page is there")
	}
	config, err := image.ConfigFile()
	must(t, err)
	if !slices.Contains(config.Config.Env, "LANG=C.UTF-8") || !slices.Contains(config.Config.Env, "PATH=/opt/venv/bin:"+defaultPath) {
		t.Error(config.Config.Env)
	}
	if text := strings.Join(said, "\n"); !strings.Contains(text, "making the base apt:stable of 10 packages") || !strings.Contains(text, "slipway.lock has the versions of the packages of the base apt:stable: commit it") {
		t.Error(text)
	}

	// With the lock, another image needs no request, and another machine only the packages.
	before := repository.Requests()
	s.FrozenSystem = true
	must(t, os.WriteFile(filepath.Join(s.Dir, "a.txt"), []byte("2"), 0o644))
	if edited, err := buildOrder(t, s, r); err != nil || !slices.Equal(edited.Changed, []string{"a.txt"}) || repository.Requests() != before {
		t.Error(edited, err, repository.Requests()-before)
	}
	must(t, os.WriteFile(filepath.Join(s.Dir, "a.txt"), []byte("1"), 0o644))
	other := s
	other.Bases = blobcache.New(t.TempDir(), 1<<30)
	if same, err := buildOrder(t, other, memoryWith(t, r)); err != nil || same.Reference.DigestStr() != first.Reference.DigestStr() || repository.Requests() != before+10 {
		t.Error(same, err, repository.Requests()-before)
	}
	// A layer that was deleted from the cache is made again.
	must(t, os.RemoveAll(s.Bases.Dir("blobs")))
	again := memory(t)
	if same, err := buildOrder(t, s, again); err != nil || same.Reference.DigestStr() != first.Reference.DigestStr() {
		t.Error(same, err)
	}

	// System packages are a layer on top, from the same sources.
	s.FrozenSystem, s.System = false, []string{"libgl1"}
	if more, err := buildOrder(t, s, r); err != nil || !slices.Equal(more.Changed, []string{"a.txt", "libgl1 1.6-1 (new)", "libglvnd0 1.6-1 (new)"}) {
		t.Error(more, err)
	}

	// The packages move when the user asks for it.
	debs := systemDebs()
	debs[1].Version, s.System = "2.37", nil
	repository.Publish(t, debs...)
	if same, err := buildOrder(t, s, r); err != nil || slices.Contains(same.Changed, "libc6 2.36 -> 2.37") {
		t.Error(same, err)
	}
	s.UpgradeSystem = true
	if moved, err := buildOrder(t, s, r); err != nil || !slices.Equal(moved.Changed, []string{"libc6 2.36 -> 2.37", "libgl1 1.6-1 (removed)", "libglvnd0 1.6-1 (removed)"}) {
		t.Error(moved, err)
	}
}

// The apt sources of the machine are used where slipway.yaml names none.
func TestPackagesOfMachine(t *testing.T) {
	t.Parallel()
	r := memory(t)
	repository := debiantest.New(t, debiantest.NewKey(t), systemDebs()...)
	s := packagesSpec(t, repository, "http://nowhere.invalid")
	s.AptSources, s.AptRoot = "", files(repository.Base(t, repository.Serve(t))).write(t)
	_, err := buildOrder(t, s, r)
	must(t, err)
	text, err := os.ReadFile(filepath.Join(s.Dir, "slipway.lock"))
	must(t, err)
	if !strings.Contains(string(text), `"apt:stable"`) {
		t.Error(string(text))
	}
}

func TestPackagesErrors(t *testing.T) {
	t.Parallel()
	r := memory(t)
	repository := debiantest.New(t, debiantest.NewKey(t), systemDebs()...)
	address := repository.Serve(t)
	for name, c := range map[string]struct {
		change func(*Spec)
		want   string
	}{
		"frozen":       {func(s *Spec) { s.FrozenSystem = true }, "slipway.lock does not have the versions of the packages of the base apt:stable for linux/amd64 (run slipway build train on your machine, and commit slipway.lock)"},
		"release":      {func(s *Spec) { s.Base = "apt:bookworm" }, "the base apt:bookworm needs apt sources for bookworm, and debian.sources has none, only for old, stable (write them into a file"},
		"no sources":   {func(s *Spec) { s.AptSources, s.AptRoot = "", t.TempDir() }, "the base apt:stable needs apt sources for stable, and this machine has none (write them into a file, such as debian.sources, and name it in slipway.yaml: apt-sources: debian.sources)"},
		"no file":      {func(s *Spec) { s.AptSources = "none.sources" }, "needs apt sources, and they cannot be read"},
		"no keyring":   {func(s *Spec) { must(t, os.Remove(filepath.Join(s.Dir, "apt", "test.gpg"))) }, "has apt sources that cannot be verified: the keyring test.gpg, which debian.sources names, is not there"},
		"architecture": {func(s *Spec) { s.Platforms[0].Architecture = "wasm" }, "the base apt:stable cannot be made: Debian has no packages for wasm"},
	} {
		s := packagesSpec(t, repository, address)
		s.Platforms = sortedPlatforms(nil)
		c.change(&s)
		_, err := buildOrder(t, s, r)
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, new(*source.Error)) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if _, err := os.Stat(filepath.Join(s.Dir, "slipway.lock")); err == nil {
			t.Errorf("%s: slipway.lock was written", name)
		}
	}
	s := packagesSpec(t, repository, address)
	must(t, os.WriteFile(filepath.Join(s.Dir, "apt", "test.gpg"), debiantest.NewKey(t).Keyring(t), 0o644))
	if _, err := buildOrder(t, s, r); err == nil || !strings.Contains(err.Error(), "(NO_PUBKEY)") || !strings.Contains(err.Error(), "the keys of debian.sources (test.gpg) do not match the repository: name another keyring there after Signed-By") {
		t.Error(err)
	}
	repository.Publish(t, systemDebs()[1:]...)
	needy := systemDebs()
	needy[3].Control = map[string]string{"postinst": "#!/bin/sh\nadduser x\n"}
	needy[8].Control = needy[3].Control
	repository.Publish(t, needy...)
	s = packagesSpec(t, repository, address)
	_, err := buildOrder(t, s, r)
	if err != nil { // bash and tzdata are configured by slipway
		t.Error(err)
	}
	needy[4].Control = needy[3].Control
	repository.Publish(t, needy...)
	s = packagesSpec(t, repository, address)
	_, err = buildOrder(t, s, r)
	wantSourceError(t, err, "the base apt:stable cannot be made: the package usr-is-merged needs its script postinst")
}
