package wheel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// science returns a spec with the usual packages for machine learning. The downloads are
// kept for later tests.
func science(t testing.TB) Spec {
	return Spec{Name: "train", Dir: "testdata", Lock: "science.txt", Python: "3.11", CacheDir: filepath.Join(testenv.Root(t), ".cache", "wheels"), Environ: os.Environ()}
}

// resolve calls Resolve. It skips the test if no package index can be reached.
func resolve(t testing.TB, s Spec) *Environment {
	t.Helper()
	env, err := Resolve(t.Context(), s)
	offline := (*IndexError)(nil)
	if errors.As(err, &offline) || errors.Is(err, errNoPip) {
		unavailable(t, "a package index: "+err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func unavailable(t testing.TB, what string) {
	t.Helper()
	if testenv.Demanded() {
		t.Fatal("there is no " + what)
	}
	t.Skip("there is no " + what)
}

// unpack writes an environment below a directory.
func unpack(t testing.TB, env *Environment, dir string) {
	t.Helper()
	for _, l := range env.Layers {
		for _, f := range l.Files {
			name := filepath.Join(dir, filepath.FromSlash(f.Path))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if f.Mode&fs.ModeSymlink != 0 {
				if err := os.Symlink(f.Link, name); err != nil {
					t.Fatal(err)
				}
				continue
			}
			to, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, f.Mode)
			if err != nil {
				t.Fatal(err)
			}
			from, err := f.Open()
			if err == nil {
				_, err = io.Copy(to, from)
			}
			if err := errors.Join(err, from.Close(), to.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// interpreter returns the path of a Python 3.11 on this machine.
func interpreter(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("python3.11", "-c", "import os, sys; print(os.path.realpath(sys.executable))").Output()
	name := strings.TrimSpace(string(out))
	if err != nil || !plainPath(name) {
		unavailable(t, "Python 3.11")
	}
	return name
}

const fit = `
import sys, numpy, pandas, sklearn
from sklearn.linear_model import LinearRegression
assert sys.prefix != sys.base_prefix, sys.prefix
x = pandas.DataFrame({"x": numpy.arange(10.0)})
model = LinearRegression().fit(x, 3 * x["x"] + 1)
assert abs(model.predict(pandas.DataFrame({"x": [100.0]}))[0] - 301) < 1e-6
import importlib.metadata as m
assert m.version("numpy") == "2.2.6" and m.distribution("numpy").read_text("INSTALLER") == "slipway\n"
import csv, hashlib, base64
seen = 0
for d in m.distributions():
    for f in d.files:
        if f.hash:
            content = open(d.locate_file(f), "rb").read()
            digest = base64.urlsafe_b64encode(hashlib.new(f.hash.mode, content).digest()).rstrip(b"=").decode()
            assert (digest, len(content)) == (f.hash.value, f.size), f
            seen += 1
print("fits", seen > 4000)
`

// TestScience installs the packages and runs a training with them. It then does so again
// without any program to download with.
func TestScience(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("the story python does as much, in a container")
	}
	python := interpreter(t)
	s := science(t)
	root := filepath.Join(t.TempDir(), "venv")
	if !plainPath(root) {
		unavailable(t, "temporary directory with a plain path")
	}
	s.Root, s.Interpreter = root, python
	env := resolve(t, s)
	if len(env.Packages) != 10 || len(env.Overlaps) != 0 {
		t.Errorf("%+v", env)
	}
	unpack(t, env, "/")
	clean := []string{"PYTHONDONTWRITEBYTECODE=1", "HOME=" + t.TempDir()}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{root + "/bin/python", "-c", fit}, "fits True"},
		{[]string{root + "/bin/f2py", "-v"}, "2.2.6"},
		{[]string{root + "/bin/numpy-config", "--version"}, "2.2.6"},
		{[]string{root + "/bin/python3.11", "-m", "threadpoolctl", "-i", "numpy"}, "openblas"},
	} {
		command := exec.CommandContext(t.Context(), c.args[0], c.args[1:]...)
		command.Env = clean
		out, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v\n%s", c.args, err, out)
		}
	}

	// The second time no program is on the PATH, and none is needed.
	s.Environ = []string{"PATH=" + t.TempDir()}
	again, err := Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := prints(again), prints(env); !slices.Equal(got, want) {
		t.Errorf("the second time there is %v instead of %v", got, want)
	}

	s.Environ, s.Platform = os.Environ(), "linux/arm64"
	arm := resolve(t, s)
	for n, p := range arm.Packages {
		pure := strings.HasSuffix(p.Filename, "-any.whl")
		if other := env.Packages[n]; (p.SHA256 == other.SHA256) != pure || !pure && !strings.Contains(p.Filename, "aarch64") {
			t.Errorf("%s is for arm64, and %s for amd64", p.Filename, other.Filename)
		}
	}
}

func prints(env *Environment) []string {
	var list []string
	for _, l := range env.Layers {
		list = append(list, l.Name+" "+l.Fingerprint)
	}
	return list
}

// TestMarkersAgainstPip compares the markers with the results of pip itself.
func TestMarkersAgainstPip(t *testing.T) {
	t.Parallel()
	python, ok := find(os.Environ(), "python3")
	if !ok {
		unavailable(t, "Python with pip")
	}
	env := linux(t, "3.11", "linux/amd64").environment()
	var program, input bytes.Buffer
	fmt.Fprintf(&program, "import sys\nfrom pip._vendor.packaging.markers import Marker\nenv = {}\n")
	for name, value := range env {
		fmt.Fprintf(&program, "env[%q] = %q\n", name, value)
	}
	program.WriteString("for line in sys.stdin:\n    print(line.strip() + '\\t' + str(Marker(line).evaluate(env)))\n")
	for text := range markers() {
		fmt.Fprintln(&input, text)
	}
	command := exec.CommandContext(t.Context(), python, "-c", program.String())
	command.Stdin = &input
	out, err := command.CombinedOutput()
	if err != nil {
		unavailable(t, "Python with pip: "+string(out))
	}
	compared := 0
	for line := range strings.Lines(string(out)) {
		text, said, _ := strings.Cut(strings.TrimSpace(line), "\t")
		m, err := parseMarker(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.holds(env); got != (said == "True") {
			t.Errorf("%s is %t, and %s for pip", text, got, said)
		}
		compared++
	}
	if compared != len(markers()) {
		t.Errorf("pip said %s", out)
	}
}

// TestIndexSays requests packages that a real index does not have.
func TestIndexSays(t *testing.T) {
	t.Parallel()
	for requirement, want := range map[string]string{
		"pyspark==3.5.1": "pyspark==3.5.1 has no wheel for Python 3.11 on linux/amd64, only the source distribution pyspark-3.5.1.tar.gz (" + onlySource + ")",
		"pywin32==306":   "pywin32==306 has no wheel for Python 3.11 on linux/amd64; it has pywin32-306-",
		"click==8.1.999": "the index has no click==8.1.999; it has ",
		"click==8.1.7": "hash mismatch: the index has click-8.1.7-py3-none-any.whl for click==8.1.7 with the SHA-256 ae74fb96c20a0277a1d615f1e4d73c8414f5a98db8b799a7931d1582f3390c28, " +
			"which is not in the lock (if a file was added to the index, lock again; otherwise do not trust the index)",
	} {
		t.Run(requirement, func(t *testing.T) {
			s := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.11", CacheDir: t.TempDir(), Environ: os.Environ()}
			write(t, s.Dir, "lock.txt", "# a lock\n"+requirement+" --hash=sha256:"+digest("0")+"\n")
			_, err := Resolve(t.Context(), s)
			if offline := (*IndexError)(nil); errors.As(err, &offline) || errors.Is(err, errNoPip) {
				unavailable(t, "a package index: "+err.Error())
			}
			wrong := (*source.Error)(nil)
			if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), "lock.txt:2:1: "+want) {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRead reads all files of an environment, as when they are packed into layers.
func BenchmarkRead(b *testing.B) {
	env := resolve(b, science(b))
	var size int64
	for _, p := range env.Packages {
		size += p.Unpacked
	}
	b.SetBytes(size)
	for b.Loop() {
		for _, l := range env.Layers {
			for _, f := range l.Files {
				if f.Open == nil {
					continue
				}
				r, err := f.Open()
				if err == nil {
					_, err = io.Copy(io.Discard, r)
				}
				if err := errors.Join(err, r.Close()); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkResolve measures an image whose lock has not changed.
func BenchmarkResolve(b *testing.B) {
	s := science(b)
	resolve(b, s)
	b.Run("Key", func(b *testing.B) {
		for b.Loop() {
			if _, err := Key(s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Resolve", func(b *testing.B) {
		for b.Loop() {
			resolve(b, s)
		}
	})
}
