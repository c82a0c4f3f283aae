package release

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// source is a program that stands for slipway: it prints its arguments and ends with 7.
const source = `package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("slipway", os.Args[1:])
	os.Exit(7)
}
`

// from is what the programs of the tests are compiled from.
var from = Source{Version: "v1.2.3-rc.1", Revision: strings.Repeat("4", 40), Created: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}

// makeRepository writes the files of a repository of the program and returns its directory.
func makeRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module github.com/slipway-ci/slipway\n\ngo 1.26\n", "main.go": source, "LICENSE": "Apache License\n",
		"README.md": "# slipway\n\n[docs](docs/images.md#go), [home](https://example.com), [below](#more)\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// build builds the program of a repository for a platform as goreleaser.yaml does.
func build(t *testing.T, dir, system, machine string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "slipway")
	c := exec.Command("go", append(append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}, flags...), "-o", path, ".")...)
	c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+machine)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// wheelOf writes the wheel of a program and returns its path.
func wheelOf(t *testing.T, root, program string) string {
	t.Helper()
	p, err := Open(program, from)
	if err != nil {
		t.Fatal(err)
	}
	notices, err := p.Notices(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	path, err := p.WriteWheel(root, t.TempDir(), notices)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWheel reads every file of a wheel, runs its program in the way of `python -m`, and
// makes it again in another directory, with the same bytes.
func TestWheel(t *testing.T) {
	root := makeRepository(t)
	path := wheelOf(t, root, build(t, root, runtime.GOOS, runtime.GOARCH))
	files := contents(t, path)
	const info = "slipway_ci-1.2.3rc1.dist-info/"
	if !strings.HasPrefix(filepath.Base(path), "slipway_ci-1.2.3rc1-py3-none-") {
		t.Error(path)
	}
	checkRecord(t, files, info+"RECORD")
	metadata := files[info+"METADATA"]
	for _, line := range []string{
		"Name: slipway-ci", "Version: 1.2.3rc1", "License-Expression: Apache-2.0", "License-File: LICENSE", "License-File: THIRD_PARTY_NOTICES", "Requires-Python: >=3.8",
		"[docs](https://github.com/slipway-ci/slipway/blob/v1.2.3-rc.1/docs/images.md#go), [home](https://example.com), [below](#more)",
	} {
		if !strings.Contains("\n"+metadata, "\n"+line+"\n") {
			t.Errorf("METADATA has no line %q:\n%s", line, metadata)
		}
	}
	for _, tag := range strings.Split(strings.TrimSuffix(strings.SplitN(filepath.Base(path), "-", 5)[4], ".whl"), ".") {
		if !strings.Contains(files[info+"WHEEL"], "\nTag: py3-none-"+tag+"\n") {
			t.Errorf("WHEEL does not have the tag %s:\n%s", tag, files[info+"WHEEL"])
		}
	}
	if files[info+"licenses/LICENSE"] != "Apache License\n" || !json.Valid([]byte(files[info+"sboms/slipway.spdx.json"])) {
		t.Error("the license or the SBOM is missing")
	}
	if notices := files[info+"licenses/THIRD_PARTY_NOTICES"]; !strings.Contains(notices, "\nGo 1.") || !strings.Contains(notices, "The Go Authors") {
		t.Errorf("the license of Go is missing:\n%s", notices)
	}

	other := makeRepository(t)
	again, err := os.ReadFile(wheelOf(t, other, build(t, other, runtime.GOOS, runtime.GOARCH)))
	if err != nil {
		t.Fatal(err)
	}
	if first, err := os.ReadFile(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the wheel of another directory differs: %v", err)
	}

	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	target := t.TempDir() // as pip install --target
	for name, text := range files {
		to, mode := name, os.FileMode(0o600)
		if script, ok := strings.CutPrefix(name, "slipway_ci-1.2.3rc1.data/scripts/"); ok {
			to, mode = "bin/"+script, 0o700
		}
		to = filepath.Join(target, filepath.FromSlash(to))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command(python, "-m", "slipway_ci", "version", "a b")
	c.Env = append(os.Environ(), "PYTHONPATH="+target)
	runs(t, c)
}

// runs runs the program, and checks that it got its arguments and that its exit code is that
// of the command.
func runs(t *testing.T, c *exec.Cmd) {
	t.Helper()
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 || !strings.Contains(string(out), "slipway [version a b]") {
		t.Errorf("%v: %v\n%s", c.Args, err, out)
	}
}

// contents returns the files of a wheel, by name. Only the program is executable.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string]string{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
		if executable := f.Mode()&0o111 != 0; executable != strings.Contains(f.Name, ".data/scripts/slipway") {
			t.Errorf("%s has the mode %v", f.Name, f.Mode())
		}
	}
	return files
}

// checkRecord compares RECORD with the files: each is there once, with its hash and size.
func checkRecord(t *testing.T, files map[string]string, record string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(files[record], "\n"), "\n")
	if len(lines) != len(files) {
		t.Errorf("RECORD has %d lines, and the wheel %d files", len(lines), len(files))
	}
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ",")
		sum := sha256.Sum256([]byte(files[name]))
		want := fmt.Sprintf("sha256=%s,%d", base64.RawURLEncoding.EncodeToString(sum[:]), len(files[name]))
		if name == record {
			want = ","
		}
		if rest != want {
			t.Errorf("RECORD has %s,%s instead of %s", name, rest, want)
		}
	}
}

// TestOpenRefuses checks that a program is refused that was not built as a release is.
func TestOpenRefuses(t *testing.T) {
	root := makeRepository(t)
	command(t, root, "git", "init", "-q")
	command(t, root, "git", "add", ".")
	command(t, root, "git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "one")
	for flag, want := range map[string]string{"-trimpath=false": "-trimpath=", "-buildvcs=true": "names the commit"} {
		if _, err := Open(build(t, root, runtime.GOOS, runtime.GOARCH, flag), from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	dirty := from
	dirty.Version += "+dirty"
	if p, err := Open(build(t, root, runtime.GOOS, runtime.GOARCH), dirty); err != nil || p.Tag != "" {
		t.Errorf("a tree with changes: %+v, %v", p, err)
	}
	if _, err := Open(filepath.Join(root, "README.md"), from); err == nil {
		t.Error("a page is a program")
	}
}

// TestPlatforms checks the tags of the wheels of each platform. Those of macOS come from the
// program.
func TestPlatforms(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("compiles for six platforms: only if CI is true")
	}
	t.Parallel()
	root := makeRepository(t)
	if err := os.WriteFile(filepath.Join(root, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil { // compiles fast
		t.Fatal(err)
	}
	for platform, want := range map[string]string{
		"linux/amd64":   `manylinux_2_17_x86_64\.manylinux2014_x86_64\.musllinux_1_1_x86_64`,
		"linux/arm64":   `manylinux_2_17_aarch64\.manylinux2014_aarch64\.musllinux_1_1_aarch64`,
		"darwin/amd64":  `macosx_1[2-9]_0_x86_64`,
		"darwin/arm64":  `macosx_1[2-9]_0_arm64`,
		"windows/amd64": "win_amd64",
		"windows/arm64": "win_arm64",
	} {
		system, machine, _ := strings.Cut(platform, "/")
		path := wheelOf(t, root, build(t, root, system, machine))
		if !regexp.MustCompile(`^slipway_ci-1\.2\.3rc1-py3-none-` + want + `\.whl$`).MatchString(filepath.Base(path)) {
			t.Errorf("%s: %s", platform, filepath.Base(path))
		}
		if _, exe := contents(t, path)["slipway_ci-1.2.3rc1.data/scripts/slipway.exe"]; exe != (system == "windows") {
			t.Errorf("%s: slipway.exe: %t", platform, exe)
		}
	}
}
