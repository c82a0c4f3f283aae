package wheel

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
)

// shelf makes a repository with wheels in a directory that its lock names, so that a real
// pip needs no network.
func shelf(t testing.TB, recipes ...recipe) Spec {
	t.Helper()
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "deps/lock.txt", Python: "3.11", CacheDir: t.TempDir(), Environ: os.Environ(), At: source.Position{File: "slipway.yaml", Line: 7, Column: 3}}
	lock := "--no-index\n--find-links wheels\n"
	for _, r := range recipes {
		file, text := r.make(t)
		write(t, s.Dir, "deps/wheels/"+file, string(text))
		w := put(t, r.name, r.version, file, text)
		lock += r.name + "==" + r.version + " --hash=sha256:" + w.sum + "\n"
	}
	write(t, s.Dir, s.Lock, lock)
	if _, err := s.python(t.Context()); err != nil {
		unavailable(t, "Python with pip")
	}
	return s
}

func TestResolveByPip(t *testing.T) {
	t.Parallel()
	s := shelf(t, recipe{name: "a", version: "1.0+cpu", files: map[string]string{"a.py": ""}},
		recipe{name: "b", version: "2", tags: "cp311-cp311-manylinux_2_28_x86_64", files: map[string]string{"b.so": "x86"}},
		recipe{name: "d", version: "1"}, recipe{name: "e", version: "1"}, recipe{name: "f-g.h", version: "1"}, recipe{name: "i", version: "1"})
	lock, err := os.ReadFile(filepath.Join(s.Dir, "deps", "lock.txt"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s.Dir, s.Lock, "--trusted-host x.example\n"+string(lock)) // a setting that only pip supports
	env, err := Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range env.Packages {
		names = append(names, p.Name+" "+p.Version)
	}
	if diff := cmp.Diff([]string{"a 1.0+cpu", "b 2", "d 1", "e 1", "f-g-h 1", "i 1"}, names); diff != "" {
		t.Error(diff)
	}
	left, err := os.ReadDir(filepath.Join(s.CacheDir, "partial"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}

	// Without any program, and without the index, the result is the same.
	quiet := s
	quiet.Environ = nil
	if err := os.RemoveAll(filepath.Join(s.Dir, "deps", "wheels")); err != nil {
		t.Fatal(err)
	}
	again, err := Resolve(t.Context(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(prints(env), prints(again)); diff != "" {
		t.Error(diff)
	}

	// A damaged wheel in the cache is not used.
	for _, p := range env.Packages[1:2] {
		if err := os.WriteFile(filepath.Join(s.CacheDir, "wheels", p.SHA256, p.Filename), []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Resolve(t.Context(), quiet); !errors.Is(err, errNoPip) {
		t.Errorf("with a damaged wheel and no pip: %v", err)
	}
	_, err = Resolve(t.Context(), s)
	if want := "deps/lock.txt:5:1: no index has a wheel of b==2 (check the name, and set PIP_EXTRA_INDEX_URL for a private index)"; err == nil || err.Error() != want {
		t.Errorf("with a damaged wheel and no index: %v", err)
	}
}

func TestResolveForAnotherPlatform(t *testing.T) {
	t.Parallel()
	s := shelf(t, recipe{name: "b", version: "2", tags: "cp311-cp311-manylinux_2_28_x86_64"})
	s.Platform = "linux/arm64"
	_, err := Resolve(t.Context(), s)
	want := "deps/lock.txt:3:1: b==2 has no wheel for Python 3.11 on linux/arm64; it has b-2-cp311-cp311-manylinux_2_28_x86_64.whl (choose a version that has one, or another platform or Python)"
	if wrong := (*source.Error)(nil); !errors.As(err, &wrong) || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}

func TestInvalidSpecs(t *testing.T) {
	good := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.11", CacheDir: t.TempDir(), At: source.Position{File: "slipway.yaml", Line: 7, Column: 3}}
	write(t, good.Dir, "lock.txt", "")
	write(t, good.Dir, "sub/uv.lock", "version = 1\n")
	const at = "slipway.yaml:7:3: image train: "
	for want, change := range map[string]func(*Spec){
		at + `"3" is not a version of Python 3 (write it as 3.12)`:                                                                           func(s *Spec) { s.Python = "3" },
		at + "the platform windows/amd64 is not supported for Python packages (use linux/amd64 or linux/arm64)":                              func(s *Spec) { s.Platform = "windows/amd64" },
		at + `"venv" is not a valid path of a virtual environment (use a path such as /opt/venv)`:                                            func(s *Spec) { s.Root = "venv" },
		at + `"/opt/my venv" is not a valid path of a virtual environment (use a path such as /opt/venv)`:                                    func(s *Spec) { s.Root = "/opt/my venv" },
		at + `"python3" is not a valid path of an interpreter (use a path such as /usr/local/bin/python3)`:                                   func(s *Spec) { s.Interpreter = "python3" },
		at + `the lock "../lock.txt" is not in the repository (name it by its path from the repository's root)`:                              func(s *Spec) { s.Lock = "../lock.txt" },
		at + "the lock none.txt cannot be read: no such file or directory (it must be a file in the repository)":                             func(s *Spec) { s.Lock = "none.txt" },
		at + "lock.json is not a supported lock file (name a uv.lock, a poetry.lock, a pylock.toml, or a requirements.txt with hashes)":      func(s *Spec) { s.Lock = "lock.json" },
		"sub/uv.lock: sub/pyproject.toml, which it belongs to, cannot be read: no such file or directory (both are files of the repository)": func(s *Spec) { s.Lock = "sub/uv.lock" },
	} {
		s := good
		change(&s)
		_, err := Resolve(t.Context(), s)
		_, keyErr := Key(s)
		wrong := (*source.Error)(nil)
		if !errors.As(err, &wrong) || plain(err) != want || keyErr == nil || plain(keyErr) != want {
			t.Errorf("\n got %v\n and %v\nwant %s", err, keyErr, want)
		}
	}
}

// plain replaces the messages of Windows with those of Unix.
func plain(err error) string {
	return strings.ReplaceAll(err.Error(), "The system cannot find the file specified.", "no such file or directory")
}

// An included file must be in the repository, also if it is a link.
func TestIncludesStayInTheRepository(t *testing.T) {
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.11", CacheDir: t.TempDir()}
	write(t, s.Dir, "lock.txt", "\n-r link.txt\n")
	other := t.TempDir()
	write(t, other, "secret.txt", "secret")
	if err := os.Symlink(filepath.Join(other, "secret.txt"), filepath.Join(s.Dir, "link.txt")); err != nil {
		t.Skip(err)
	}
	_, err := Key(s)
	if err == nil || !strings.HasPrefix(err.Error(), "lock.txt:2:4: the file link.txt cannot be read: ") || !strings.HasSuffix(err.Error(), "(it must be a file in the repository)") {
		t.Errorf("%v", err)
	}
	write(t, s.Dir, "lock.txt", "-r ../secret.txt")
	if _, err := Key(s); err == nil || !strings.HasPrefix(err.Error(), "lock.txt:1:4: the file ../secret.txt cannot be read: ") {
		t.Errorf("%v", err)
	}
}

func TestKey(t *testing.T) {
	base := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.11", CacheDir: filepath.Join(t.TempDir(), "none")}
	lock := "a==1 --hash=sha256:" + digest("1") + " --hash=sha256:" + digest("2") + "\nb==1 ; sys_platform == 'win32' --hash=sha256:" + digest("3") + "\n"
	key := func(lock string, s Spec) string {
		write(t, s.Dir, s.Lock, lock)
		k, err := Key(s)
		if err != nil || len(k) != 64 {
			t.Fatalf("%q, %v", k, err)
		}
		return k
	}
	want := key(lock, base)
	for what, same := range map[string]string{
		"comments":    "# new\n" + lock,
		"order":       "\nb==1 ; sys_platform == 'win32' --hash=sha256:" + digest("4") + "\na==1 --hash=sha256:" + digest("2") + " --hash=sha256:" + digest("1"),
		"other index": "-i https://x.example/simple\n" + lock,
	} {
		if key(same, base) != want {
			t.Errorf("%s make another key", what)
		}
	}
	seen := []string{want}
	different := func(what, k string) {
		if slices.Contains(seen, k) {
			t.Errorf("%s makes no other key", what)
		}
		seen = append(seen, k)
	}
	different("a version", key(strings.Replace(lock, "a==1", "a==2", 1), base))
	different("a hash", key(strings.Replace(lock, digest("1"), digest("5"), 1), base))
	for what, change := range map[string]func(*Spec){
		"python": func(s *Spec) { s.Python = "3.12" }, "patch": func(s *Spec) { s.Python = "3.11.1" }, "platform": func(s *Spec) { s.Platform = "linux/arm64" },
		"root": func(s *Spec) { s.Root = "/venv" }, "interpreter": func(s *Spec) { s.Interpreter = "/usr/bin/python3" },
	} {
		s := base
		change(&s)
		different(what, key(lock, s))
	}
	if _, err := os.Stat(base.CacheDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key touched the cache: %v", err)
	}
}

func TestNoLockNoNetwork(t *testing.T) {
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.12", CacheDir: t.TempDir()}
	write(t, s.Dir, "lock.txt", "# nothing is needed\na==1 ; sys_platform == 'win32' --hash=sha256:"+digest("1"))
	env, err := Resolve(t.Context(), s)
	if err != nil || len(env.Packages) != 0 || len(env.Layers) != 1 || env.Layers[0].Name != "venv" {
		t.Errorf("%+v, %v", env, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	write(t, s.Dir, "lock.txt", "a==1 --hash=sha256:"+digest("1"))
	s.Environ = os.Environ()
	if _, err := Resolve(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
