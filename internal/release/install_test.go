package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestInstall installs a wheel in each way that people do, and runs its program by each of
// its names.
func TestInstall(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("installs wheels in many ways: only if CI is true")
	}
	t.Parallel()
	root := makeRepository(t)
	wheel := wheelOf(t, root, build(t, root, runtime.GOOS, runtime.GOARCH))
	uv, uvx := testenv.Installer(t, "uv"), testenv.Installer(t, "uvx")
	environ := append(os.Environ(), "UV_CACHE_DIR="+t.TempDir(), "UV_OFFLINE=1", "UV_NO_CONFIG=1", "HOME="+t.TempDir(), "PIP_NO_INDEX=1", "PIP_FIND_LINKS=", "UV_FIND_LINKS="+filepath.Dir(wheel))
	run := func(name string, args ...string) string {
		t.Helper()
		c := exec.Command(name, args...)
		c.Env, c.Dir = environ, t.TempDir()
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	check := func(extra, name string, args ...string) {
		t.Helper()
		c := exec.Command(name, append(args, "version", "a b")...)
		c.Env = append(environ, extra)
		runs(t, c)
	}

	python := testenv.Installer(t, "python") // a script of its environment names the directory that it was made in
	run(python, "-m", "twine", "check", "--strict", wheel)
	run(python, "-m", "check_wheel_contents", wheel)

	venv := filepath.Join(t.TempDir(), "pip")
	bin := func(name string) string { return filepath.Join(venv, "bin", name) }
	run("python3", "-m", "venv", venv)
	run(bin("python"), "-m", "pip", "install", "--quiet", wheel)
	const show = "from importlib.metadata import metadata; m = metadata('slipway-ci'); print(m['Version'], m['License-Expression'])"
	if shown := run(bin("python"), "-c", show); shown != "1.2.3rc1 Apache-2.0\n" {
		t.Error(shown)
	}
	check("", bin("slipway"))
	check("", bin("slipway-ci"))
	check("", bin("python"), "-m", "slipway_ci")
	run(bin("python"), "-m", "pip", "uninstall", "--quiet", "--yes", "slipway-ci")
	if _, err := os.Stat(bin("slipway")); err == nil {
		t.Error("the program stays when the package is uninstalled")
	}
	for _, option := range []string{"--target", "--prefix"} {
		dir := t.TempDir()
		run(bin("python"), "-m", "pip", "install", "--quiet", option, dir, wheel)
		found, err := filepath.Glob(filepath.Join(dir, "lib", "python3*", "site-packages"))
		if err != nil {
			t.Fatal(err)
		}
		check("PYTHONPATH="+strings.Join(append(found, dir), ":"), bin("python"), "-m", "slipway_ci")
	}

	venv = filepath.Join(t.TempDir(), "uv")
	run(uv, "venv", "--quiet", venv)
	run(uv, "pip", "install", "--quiet", "--python", venv, wheel)
	check("", bin("slipway"))
	check("", bin("slipway-ci"))
	check("", bin("python"), "-m", "slipway_ci")

	check("", uvx, "slipway-ci==1.2.3rc1")
	check("", uvx, "--from", "slipway-ci==1.2.3rc1", "slipway")
	run(uv, "tool", "install", "--quiet", "slipway-ci==1.2.3rc1")
	check("", strings.TrimSpace(run(uv, "tool", "dir", "--bin"))+"/slipway")
}
