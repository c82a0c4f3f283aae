package image

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

func pythonSpec(dir, base string) Spec {
	return Spec{Name: "train", Dir: dir, Kind: KindPython, Base: base, Requirements: "lock.txt", Files: []string{"a.py"},
		Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}, At: at}
}

const emptyLock = "# nothing\nx==1 ; sys_platform == 'win32' --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n"

// Without a version and an interpreter in the spec, those of the base are used.
func TestPythonOfTheBase(t *testing.T) {
	t.Parallel()
	r := memory(t)
	debian := []node{symlink("usr/bin/python3", "python3.11"), {name: "usr/bin/python3.11", kind: '0', mode: 0o755, text: "\x7fELF/lib64/ld-linux-x86-64.so.2"}, dir("usr/lib/python3.11", 0o755, 0, 0)}
	told := []string{"PATH=/usr/local/bin:/usr/bin", "PYTHON_VERSION=3.12.4"}
	bases := map[string]string{
		"official": rootBase(t, r, "bases/official", told, official("3.12.4", "2.36")),
		"silent":   rootBase(t, r, "bases/silent", nil, official("3.12.4", "2.36")),
		"debian":   rootBase(t, r, "bases/debian", nil, debian),
		"both":     rootBase(t, r, "bases/both", told, debian, official("3.12.4", "2.36")),
		"only":     rootBase(t, r, "bases/only", told, []node{dir("app", 0o755, 0, 0)}),
		"none":     rootBase(t, r, "bases/none", nil, []node{dir("app", 0o755, 0, 0)}),
	}
	dir := files{"a.py": "1", "lock.txt": emptyLock}.write(t)
	for _, c := range []struct{ base, version, interpreter, want string }{
		{"official", "", "", "/usr/local/bin/python3 3.12.4"},
		{"official", "3.12", "", "/usr/local/bin/python3 3.12.4"},
		{"silent", "", "", "/usr/local/bin/python3 3.12"},
		{"debian", "", "", "/usr/bin/python3 3.11"},
		{"debian", "3.11", "/usr/bin/python3", "/usr/bin/python3 3.11"},
		{"both", "", "", "/usr/local/bin/python3 3.12.4"},
		{"both", "3.11", "", "/usr/bin/python3 3.11"},
		{"both", "", "/usr/bin/python3", "/usr/bin/python3 3.11"},
		{"only", "", "", "/usr/local/bin/python3 3.12.4"},
		{"debian", "3.12", "", "has no Python 3.12 on its PATH (it has 3.11 at /usr/bin/python3.11"},
		{"debian", "", "/usr/local/bin/python3", "has no Python at /usr/local/bin/python3 (it has 3.11 at /usr/bin/python3.11"},
		{"debian", "3.12", "/usr/bin/python3", "has Python 3.11 at /usr/bin/python3, but python.version is 3.12"},
		{"official", "3.11", "", "has Python 3.12.4, but python.version is 3.11"},
		{"none", "", "", "has no Python on its PATH (choose a base that has Python"},
		{"none", "3.12", "/usr/bin/python3", "has no Python at /usr/bin/python3"},
	} {
		s := pythonSpec(dir, bases[c.base])
		s.Python, s.Interpreter = c.version, c.interpreter
		s, err := s.normalized()
		must(t, err)
		reference, err := findBase(t.Context(), s, r)
		must(t, err)
		base, err := openBase(t.Context(), s, r, reference)
		must(t, err)
		if err := base.findPython(t.Context(), s); err != nil {
			wantSourceError(t, err, c.want)
			continue
		}
		if text := base.python.path + " " + base.python.version; text != c.want {
			t.Errorf("%s %q %q: %s, want %s", c.base, c.version, c.interpreter, text, c.want)
		}
	}
	for _, base := range []string{"official", "silent", "debian", "only"} {
		made := build(t, pythonSpec(dir, bases[base]), r)
		if got := owned(t, made.V1, 1); got["/opt/venv/pyvenv.cfg"] == "" || got["/app/a.py"] == "" {
			t.Errorf("%s: %v", base, got)
		}
	}
	err := refused(t, pythonSpec(dir, bases["none"]), r)
	wantSourceError(t, err, "has no Python on its PATH")
}

// The base's C library decides which wheels are chosen.
func TestLibcOfTheBase(t *testing.T) {
	t.Parallel()
	r := memory(t)
	s := pythonSpec(files{"a.py": "1", "lock.txt": emptyLock}.write(t), rootBase(t, r, "bases/bullseye", nil, official("3.9.2", "2.31")))
	s, err := s.normalized()
	must(t, err)
	reference, err := findBase(t.Context(), s, r)
	must(t, err)
	base, err := openBase(t.Context(), s, r, reference)
	must(t, err)
	must(t, base.findPython(t.Context(), s))
	python := *base.python
	if want := (rootfs.Libc{Name: rootfs.Glibc, Minor: 31}); wheelSpec(s, python).Libc != want {
		t.Errorf("wheels are for %v", wheelSpec(s, python).Libc)
	}
}

// There are warnings about what may fail later: packages that overlap, and an outdated
// lock.
func TestNoticesOfRequirements(t *testing.T) {
	t.Parallel()
	r := memory(t)
	tree := files{"a.py": "1", "pyproject.toml": "[project]\nname = \"p\"\nrequires-python = \">=3.9\"\ndependencies = [\"six\"]\n",
		"uv.lock":     "version = 1\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"p\"\nversion = \"1\"\nsource = { virtual = \".\" }\n",
		"pylock.toml": "lock-version = \"1.0\"\n",
		"needed.in":   "seven\n",
		"lock.txt":    "# Made by: uv pip compile needed.in -o lock.txt\n"}
	for _, name := range []string{"one", "two"} {
		hash := strings.Repeat("0", 64)
		tree["pylock.toml"] += fmt.Sprintf("\n[[packages]]\nname = %q\nversion = \"1\"\nsdist = { url = \"https://x.example/%s-1.tar.gz\", hashes = { sha256 = %q } }\n", name, name, hash)
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for file, text := range map[string]string{"shared/a.py": name, "shared/b.py": name, "shared/c.py": "", name + "-1.dist-info/METADATA": "Name: " + name + "\nVersion: 1\nRequires-Dist: three<4,>=3; sys_platform == 'linux'\n",
			name + "-1.dist-info/WHEEL": "Wheel-Version: 1.0\n", name + "-1.dist-info/RECORD": "shared/a.py,,\n"} {
			w, err := z.Create(file)
			must(t, err)
			_, err = io.WriteString(w, text)
			must(t, err)
		}
		must(t, z.Close())
		tree["wheels/"+name+"-1-py3-none-any.whl"] = b.String()
	}
	s := pythonSpec(tree.write(t), rootBase(t, r, "bases/official", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36")))
	s.Requirements, s.Wheels = "pylock.toml", "wheels"
	var said []string
	s.Notice = func(n Notice) {
		if n.Level == Warning {
			said = append(said, n.Text)
		}
	}
	build(t, s, r)
	s.Requirements, s.Wheels = "uv.lock", ""
	_, err := Prepare(t.Context(), s, r)
	must(t, err)
	s.Requirements = "lock.txt"
	_, err = Prepare(t.Context(), s, r)
	must(t, err)
	want := []string{
		"image train: two and one both install 2 files with the same names and different content: the image has those of two, as uv would install them, and one may not work; remove one of the two from pylock.toml",
		"image train: pylock.toml does not have what its packages require: one requires three<4,>=3; two requires three<4,>=3; programs that import them may fail: lock again for Linux and Python 3.12.4",
		"image train: uv.lock is out of date with the pyproject.toml next to it (six was added): the image is built from the lock; run `uv lock`",
		"image train: needed.in names seven, which lock.txt has not: the image is built from the lock; lock again with `uv pip compile needed.in -o lock.txt`",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// A lock for another Python is refused before the base is read, or made, where its name or its
// configuration tells the version for sure.
func TestAnotherPythonIsRefusedEarly(t *testing.T) {
	t.Parallel()
	dir := files{"a.py": "1", "lock.txt": "x==1 ; python_version >= '3.12' --hash=sha256:" + strings.Repeat("0", 64) + "\n"}.write(t)
	for base, refused := range map[string]bool{"apt:bookworm": true, "python:3.11-slim": true, "docker.io/library/python:3.11": true, "apt:noble": false, "registry.example.com/team/python:3.11": false} {
		err := NewBuilder(Order{Spec: pythonSpec(dir, base)}).Check(t.Context())
		if want := "lock.txt:1:1: the markers exclude every package for Python 3.11 "; refused != (err != nil) || refused && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", base, err)
		}
	}
	for path, refused := range map[string]bool{"/usr/local/bin:/bin": true, "/opt/conda/bin:/usr/local/bin": false} {
		read := false
		b := &base{config: &v1.ConfigFile{Config: v1.Config{Env: []string{"PATH=" + path, "PYTHON_VERSION=3.11.4"}}},
			read: func(context.Context) (*rootfs.FS, error) { read = true; return nil, io.ErrUnexpectedEOF }}
		if err := b.findPython(t.Context(), pythonSpec(dir, "registry.example.com/team/base")); read == refused || refused && !strings.Contains(err.Error(), "Python 3.11.4 ") {
			t.Errorf("with PATH=%s the base is read: %v, %v", path, read, err)
		}
	}
}

// If the version of Python is not known yet, the whole lock is an input, including its
// markers.
func TestUnknownVersionCountsTheWholeLock(t *testing.T) {
	t.Parallel()
	r := memory(t)
	base := rootBase(t, r, "bases/official", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36"))
	seen := map[string]bool{}
	for _, lock := range []string{emptyLock, strings.Replace(emptyLock, "win32", "darwin", 1), strings.Replace(emptyLock, "x==1", "x==2", 1), strings.Replace(emptyLock, "0000", "1111", 1)} {
		recipe, err := Prepare(t.Context(), pythonSpec(files{"a.py": "1", "lock.txt": lock}.write(t), base), r)
		must(t, err)
		if seen[recipe.Inputs] {
			t.Errorf("the lock %q has the inputs of another", lock)
		}
		seen[recipe.Inputs] = true
	}
}

// A lock that is edited after its identity was computed is not pushed under that identity.
func TestLockChanges(t *testing.T) {
	t.Parallel()
	r := memory(t)
	s := pythonSpec(files{"a.py": "1", "lock.txt": emptyLock}.write(t), rootBase(t, r, "bases/official", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36")))
	recipe, err := Prepare(t.Context(), s, r)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.Dir, "lock.txt"), []byte(strings.Replace(emptyLock, "x==1", "x==2", 1)), 0o644))
	_, err = Push(t.Context(), r, recipe, nil, nil)
	if changed := new(ChangedError); !errors.As(err, &changed) || changed.File != "lock.txt" {
		t.Errorf("after an edit: %v", err)
	}
}

// A lock with many large packages makes no more layers than runtimes accept. The largest
// have layers of their own, and a change of the files affects none of them.
func TestManyLargePackages(t *testing.T) {
	t.Parallel()
	r := memory(t)
	tree := files{"a.py": "1", "pylock.toml": "lock-version = \"1.0\"\n"}
	large := make([]byte, 2<<20)
	const packages = 64
	for n := range packages {
		name := fmt.Sprintf("p%02d", n)
		tree["pylock.toml"] += fmt.Sprintf("\n[[packages]]\nname = %q\nversion = \"1\"\nsdist = { url = \"https://x.example/%s-1.tar.gz\", hashes = { sha256 = %q } }\n", name, name, strings.Repeat("0", 64))
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for file, text := range map[string]string{name + "/data": string(large[:len(large)-n]) + name, name + "-1.dist-info/METADATA": "Name: " + name + "\nVersion: 1\n",
			name + "-1.dist-info/WHEEL": "Wheel-Version: 1.0\n", name + "-1.dist-info/RECORD": ""} {
			w, err := z.Create(file)
			must(t, err)
			_, err = io.WriteString(w, text)
			must(t, err)
		}
		must(t, z.Close())
		tree["wheels/"+name+"-1-py3-none-any.whl"] = b.String()
	}
	layers := make([][]node, 70)
	layers[0] = official("3.12.4", "2.36")
	for n := range layers[1:] {
		layers[n+1] = []node{{name: fmt.Sprintf("f%d", n), kind: '0', text: fmt.Sprint(n)}}
	}
	s := pythonSpec(tree.write(t), rootBase(t, r, "bases/many", []string{"PYTHON_VERSION=3.12.4"}, layers...))
	s.Requirements, s.Wheels = "pylock.toml", "wheels"
	made := build(t, s, r)
	if made.Layers > maxLayers || made.Layers < maxLayers-fileLayers {
		t.Errorf("the image has %d layers", made.Layers)
	}
	found := 0
	for file := range owned(t, made.V1, len(layers)) {
		if strings.HasSuffix(file, "/data") {
			found++
		}
	}
	if found != packages {
		t.Errorf("%d of %d packages are there", found, packages)
	}
	tree["a.py"] = "2"
	s.Dir = tree.write(t)
	again := build(t, s, r)
	before, err := made.V1.Layers()
	must(t, err)
	after, err := again.V1.Layers()
	must(t, err)
	moved := 0
	for n := range after {
		was, err := before[n].Digest()
		must(t, err)
		if is, err := after[n].Digest(); err != nil || is != was {
			moved++
		}
	}
	if moved != 1 || len(before) != len(after) {
		t.Errorf("%d of %d layers change with a file", moved, len(after))
	}
}
