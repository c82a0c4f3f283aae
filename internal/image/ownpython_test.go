package image

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainWheel returns a wheel with one file.
func plainWheel(t *testing.T, name, version string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	info := name + "-" + version + ".dist-info/"
	for file, text := range map[string]string{name + "/a.py": version, info + "METADATA": "Name: " + name + "\nVersion: " + version + "\n", info + "WHEEL": "Wheel-Version: 1.0\n", info + "RECORD": ""} {
		w, err := z.Create(file)
		must(t, err)
		_, err = io.WriteString(w, text)
		must(t, err)
	}
	must(t, z.Close())
	return b.String()
}

// A base that has another version of a package at the place of the image's environment is refused: the image would
// have files of both. It is refused on a machine that has not read the base, too.
func TestMixedEnvironment(t *testing.T) {
	t.Parallel()
	r := memory(t)
	lock := func(version string) string {
		return "lock-version = \"1.0\"\n[[packages]]\nname = \"charset-normalizer\"\nversion = \"" + version + "\"\nsdist = { url = \"https://x.example/x-1.tar.gz\", hashes = { sha256 = \"" + strings.Repeat("0", 64) + "\" } }\n"
	}
	const site = "opt/venv/lib/python3.12/site-packages"
	had := []node{dir("opt", 0o755, 0, 0), dir("opt/venv", 0o755, 0, 0), dir("opt/venv/lib", 0o755, 0, 0), dir("opt/venv/lib/python3.12", 0o755, 0, 0), dir(site, 0o755, 0, 0),
		dir(site+"/charset_normalizer", 0o755, 0, 0), dir(site+"/charset_normalizer-3.5.0.dist-info", 0o755, 0, 0), dir(site+"/other-1.dist-info", 0o755, 0, 0)}
	base := rootBase(t, r, "bases/stacked", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36"), had)
	spec := func(version string) Spec {
		s := pythonSpec(files{"a.py": "1", "pylock.toml": lock(version), "wheels/charset_normalizer-" + version + "-py3-none-any.whl": plainWheel(t, "charset_normalizer", version)}.write(t), base)
		s.Requirements, s.Wheels = "pylock.toml", "wheels"
		return s
	}
	build(t, spec("3.5"), r) // 3.5.0 is the same version
	err := refused(t, spec("3.4.4"), r)
	wantSourceError(t, err, "has packages in /opt/venv, and files of two versions would be mixed: charset-normalizer 3.5.0, and pylock.toml has 3.4.4")
	// The base is another one, and the layers of the image that was pushed last would be taken.
	plain := spec("3.4.4")
	plain.Base = rootBase(t, r, "bases/plain", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36"), []node{dir("opt/venv", 0o755, 0, 0)})
	build(t, plain, r)
	plain.Base = base
	wantSourceError(t, refused(t, plain, r), "files of two versions would be mixed")
}

// What a base changes of Python's search for modules is undone, or a warning says so.
func TestVariablesOfPython(t *testing.T) {
	t.Parallel()
	r := memory(t)
	s := pythonSpec(files{"a.py": "1", "lock.txt": emptyLock}.write(t), rootBase(t, r, "bases/official", []string{"PYTHONHOME=/opt/python", "PYTHONPATH=/opt/spark/python:/opt/base/site-packages", "PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36")))
	var said []string
	s.Notice = func(n Notice) {
		if n.Level == Warning {
			said = append(said, n.Text)
		}
	}
	made := build(t, s, r)
	config, err := made.V1.ConfigFile()
	must(t, err)
	if !slices.Contains(config.Config.Env, "PYTHONHOME=") {
		t.Errorf("the variables are %q", config.Config.Env)
	}
	want := []string{"image train: the base " + s.Base + " has /opt/base/site-packages in PYTHONPATH: programs import its packages in place of those of lock.txt; set another PYTHONPATH under env"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	said, s.Env, s.Name = nil, map[string]string{"PYTHONPATH": "/app", "PYTHONHOME": "/usr/local"}, "other"
	made = build(t, s, r)
	if config, err = made.V1.ConfigFile(); err != nil || !slices.Contains(config.Config.Env, "PYTHONHOME=/usr/local") || len(said) > 0 {
		t.Error(config.Config.Env, said, err)
	}
}

// Packages that the base has beside its interpreter, as pytorch/pytorch has, are hidden by the environment. A note
// names those that the lock does not have.
func TestHiddenPackages(t *testing.T) {
	t.Parallel()
	r := memory(t)
	const site = "usr/local/lib/python3.12/site-packages"
	had := []node{dir("usr/local/lib/python3.12", 0o755, 0, 0), dir(site, 0o755, 0, 0)}
	for _, name := range []string{"torch-2.4.0", "charset_normalizer-3.5.0", "pip-24.2", "setuptools-72.1.0", "wheel-0.43.0"} {
		had = append(had, dir(site+"/"+name+".dist-info", 0o755, 0, 0))
	}
	lock := "lock-version = \"1.0\"\n[[packages]]\nname = \"charset-normalizer\"\nversion = \"3.5\"\nsdist = { url = \"https://x.example/x-1.tar.gz\", hashes = { sha256 = \"" + strings.Repeat("0", 64) + "\" } }\n"
	s := pythonSpec(files{"a.py": "1", "pylock.toml": lock, "wheels/charset_normalizer-3.5-py3-none-any.whl": plainWheel(t, "charset_normalizer", "3.5")}.write(t),
		rootBase(t, r, "bases/torch", []string{"PYTHON_VERSION=3.12.4"}, official("3.12.4", "2.36"), had))
	s.Requirements, s.Wheels = "pylock.toml", "wheels"
	var said []string
	s.Notice = func(n Notice) {
		if n.Level == Note {
			said = append(said, n.Text)
		}
	}
	build(t, s, r)
	want := []string{"image train: programs do not see the Python packages that the base " + s.Base + " has below /usr/local and pylock.toml has not: torch 2.4.0; lock those that they import"}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}
