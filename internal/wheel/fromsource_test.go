package wheel

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-ci/slipway/internal/source"
)

// lockOf returns a pylock.toml of packages. Each argument is the names of a package's
// files.
func lockOf(packages ...[]string) string {
	var text strings.Builder
	text.WriteString("lock-version = \"1.0\"\n")
	for n, p := range packages {
		fmt.Fprintf(&text, "\n[[packages]]\nname = %q\nversion = \"1\"\n", p[0])
		for m, file := range p[1:] {
			entry := fmt.Sprintf("{ url = \"https://files.example/%s\", hashes = { sha256 = \"%062d%d%d\" } }", file, 0, n, m)
			if strings.HasSuffix(file, ".whl") {
				fmt.Fprintf(&text, "wheels = [%s]\n", entry)
			} else {
				fmt.Fprintf(&text, "sdist = %s\n", entry)
			}
		}
	}
	return text.String()
}

// Packages without a wheel are all reported before anything is downloaded. The test has no
// program to download with.
func TestPackagesWithoutWheels(t *testing.T) {
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "pylock.toml", Python: "3.12", CacheDir: t.TempDir()}
	write(t, s.Dir, "pylock.toml", lockOf([]string{"good", "good-1-py3-none-any.whl", "good-1.tar.gz"}, []string{"kfp", "kfp-1.tar.gz"}, []string{"peewee", "peewee-1.tar.gz"}, []string{"mac", "mac-1-cp312-cp312-macosx_11_0_arm64.whl", "mac-1.tar.gz"}))
	_, err := Resolve(t.Context(), s)
	var got []string
	for _, leaf := range source.Flatten(err) {
		got = append(got, leaf.Error())
	}
	want := []string{
		"pylock.toml:10:1: kfp==1 has no wheel for Python 3.12 on linux/amd64, only the source distribution kfp-1.tar.gz (" + onlySource + ")",
		"pylock.toml:20:1: mac==1 has no wheel for Python 3.12 on linux/amd64; it has mac-1-cp312-cp312-macosx_11_0_arm64.whl (choose a version that has one, or another platform or Python; put a wheel of it into python.wheels; or build the image with a Dockerfile)",
		"pylock.toml:15:1: peewee==1 has no wheel for Python 3.12 on linux/amd64, only the source distribution peewee-1.tar.gz (" + onlySource + ")",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// backend is a PEP 517 build backend that needs nothing but Python.
const backend = `
import os, zipfile
def build_wheel(to, config_settings=None, metadata_directory=None):
    tag = open("tag").read().strip()
    name = "built-1-" + tag + ".whl"
    with zipfile.ZipFile(os.path.join(to, name), "w") as z:
        z.writestr("built.py", "epoch, cc = %r, %r\n" % (os.environ.get("SOURCE_DATE_EPOCH"), os.environ.get("CC")))
        z.writestr("built-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1\n")
        z.writestr("built-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: " + tag + "\n")
        z.writestr("built-1.dist-info/RECORD", "built.py,,\n")
    return name
`

// sourceOnly returns a spec whose lock has one package, with only a source distribution. It
// builds a wheel with the given tag.
func sourceOnly(t *testing.T, tag string) Spec {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range [][2]string{
		{"PKG-INFO", "Metadata-Version: 2.1\nName: built\nVersion: 1\n"}, {"backend.py", backend}, {"tag", tag},
		{"pyproject.toml", "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"},
	} {
		if err := w.WriteHeader(&tar.Header{Name: "built-1/" + f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "lock.txt", Python: "3.12", CacheDir: t.TempDir(), Environ: append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir()), At: source.Position{File: "slipway.yaml", Line: 7}}
	write(t, s.Dir, "dist/built-1.tar.gz", b.String())
	write(t, s.Dir, "lock.txt", "--no-index\n--find-links dist\nbuilt==1 --hash=sha256:"+hex.EncodeToString(sum[:])+"\n")
	if _, err := s.python(t.Context()); err != nil {
		unavailable(t, "Python with pip")
	}
	return s
}

func TestBuiltFromSource(t *testing.T) {
	t.Parallel()
	s := sourceOnly(t, "py3-none-any")
	lock, err := os.ReadFile(filepath.Join(s.Dir, s.Lock))
	if err != nil {
		t.Fatal(err)
	}
	also := s
	also.Lock = "both.txt"
	sum := sha256.Sum256([]byte("x"))
	write(t, s.Dir, "dist/also-1.tar.gz", "x")
	write(t, s.Dir, also.Lock, string(lock)+"also==1 --hash=sha256:"+hex.EncodeToString(sum[:])+"\n")
	_, err = Resolve(t.Context(), also)
	for _, want := range []string{"both.txt:3:1: built==1 has no wheel for Python 3.12 on linux/amd64, only the source distribution built-1.tar.gz", "both.txt:4:1: also==1 has no wheel"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without being asked: %v, want %s", err, want)
		}
	}
	before, err := Key(s)
	if err != nil {
		t.Fatal(err)
	}
	s.FromSource = []string{"Built"}
	if after, err := Key(s); err != nil || after == before {
		t.Errorf("the key does not change: %v", err)
	}
	env, err := Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	const file = "/opt/venv/lib/python3.12/site-packages/built.py"
	if got := content(t, env)[file]; got != "-rw-r--r-- epoch, cc = '315532800', 'false'\n" {
		t.Errorf("%s is %q", file, got)
	}
	// The built wheel is kept, but not in the repository.
	again := s
	again.Environ, again.CacheDir = []string{"XDG_CACHE_HOME=" + variable(s.Environ, "XDG_CACHE_HOME"), "HOME=" + variable(s.Environ, "HOME")}, t.TempDir()
	if _, err := Resolve(t.Context(), again); err != nil {
		t.Errorf("a second time: %v", err)
	}
	s.FromSource = []string{"bilt"}
	if _, err := Resolve(t.Context(), s); err == nil || err.Error() != "slipway.yaml:7: image train: build-from-source names bilt, which is not in lock.txt (did you mean built?)" {
		t.Error(err)
	}
}

func TestBuiltWheelsMustBePure(t *testing.T) {
	t.Parallel()
	s := sourceOnly(t, "cp311-cp311-linux_x86_64")
	s.FromSource, s.Python = []string{"built"}, "3.11"
	_, err := Resolve(t.Context(), s)
	if err == nil || !strings.HasPrefix(err.Error(), "lock.txt:3:1: built==1 is not a pure Python package: building it from source made built-1-cp311-cp311-linux_x86_64.whl") {
		t.Error(err)
	}
}

func TestWheelsOfADirectory(t *testing.T) {
	t.Parallel()
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "pylock.toml", Python: "3.11", CacheDir: t.TempDir(), Wheels: "vendor", At: source.Position{File: "slipway.yaml", Line: 7}}
	write(t, s.Dir, "pylock.toml", lockOf([]string{"kfp", "kfp-1.tar.gz"}))
	if _, err := Key(s); err == nil || !strings.HasPrefix(err.Error(), "slipway.yaml:7: image train: the directory vendor cannot be read") {
		t.Error(err)
	}
	put := func(tags, text string) {
		file, wheel := recipe{name: "kfp", version: "1", tags: tags, files: map[string]string{"kfp.py": text}}.make(t)
		write(t, s.Dir, "vendor/"+file, string(wheel))
	}
	put("py3-none-any", "pure")
	key, err := Key(s)
	if err != nil {
		t.Fatal(err)
	}
	read := func() string {
		env, err := Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return content(t, env)["/opt/venv/lib/python3.11/site-packages/kfp.py"]
	}
	if got := read(); got != "-rw-r--r-- pure" {
		t.Errorf("it is %q", got)
	}
	put("cp311-cp311-linux_x86_64", "fast")
	put("cp310-cp310-linux_x86_64", "other")
	if other, err := Key(s); err != nil || other == key {
		t.Errorf("the key does not change: %v", err)
	}
	if got := read(); got != "-rw-r--r-- fast" {
		t.Errorf("it is %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(s.Dir, "vendor", "*.verified")); err != nil || len(left) > 0 {
		t.Errorf("%v is left in the repository, %v", left, err)
	}
}

func TestPylockOfAProject(t *testing.T) {
	s := Spec{Name: "train", Dir: t.TempDir(), Lock: "pylock.toml", Python: "3.12", CacheDir: t.TempDir(), At: source.Position{File: "slipway.yaml", Line: 7}}
	own := "\n[[packages]]\nname = \"story\"\ndirectory = { path = \".\", editable = true }\n"
	member := "\n[[packages]]\nname = \"part\"\ndirectory = { path = \"libs/part\", editable = true }\n"
	write(t, s.Dir, "pylock.toml", lockOf()+own)
	if env, err := Resolve(t.Context(), s); err != nil || len(env.Packages) != 0 {
		t.Errorf("%+v, %v", env, err)
	}
	write(t, s.Dir, "pylock.toml", lockOf()+own+member)
	if _, err := Resolve(t.Context(), s); err == nil || !strings.Contains(err.Error(), "part is taken from a path or URL") {
		t.Errorf("a directory beside the project: %v", err)
	}
	write(t, s.Dir, "pyproject.toml", "[tool.uv.workspace]\nmembers = [\"libs/*\"]\n")
	if _, err := Resolve(t.Context(), s); err != nil {
		t.Errorf("a member of the workspace: %v", err)
	}
	s.Extras = []string{"gpu"}
	if _, err := Resolve(t.Context(), s); err == nil || err.Error() != "slipway.yaml:7: image train: pylock.toml has no extra gpu (there are none)" {
		t.Errorf("an extra: %v", err)
	}
	extra := strings.Replace(lockOf([]string{"torch", "torch-1.tar.gz"}), "version = \"1\"", "version = \"1\"\nmarker = \"'gpu' in extras\"", 1)
	write(t, s.Dir, "pylock.toml", "extras = [\"GPU\"]\n"+extra)
	if _, err := Resolve(t.Context(), s); err == nil || !strings.Contains(err.Error(), "torch==1 has no wheel") {
		t.Errorf("with the extra: %v", err)
	}
	s.Extras = nil
	if _, err := Resolve(t.Context(), s); err != nil {
		t.Errorf("without it: %v", err)
	}
}
