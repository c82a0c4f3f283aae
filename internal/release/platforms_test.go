package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestInstallForOtherPlatforms lets uv choose among the wheels of all platforms, as on a machine of
// each. macOS 13 and a distribution with musl are among them.
func TestInstallForOtherPlatforms(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("compiles for six platforms: only if CI is true")
	}
	t.Parallel()
	uv := testenv.Installer(t, "uv")
	root, wheels := makeRepository(t), t.TempDir()
	for system, byMachine := range machines {
		for machine := range byMachine {
			wheel := wheelOf(t, root, build(t, root, system, machine))
			if err := os.Rename(wheel, filepath.Join(wheels, filepath.Base(wheel))); err != nil {
				t.Fatal(err)
			}
		}
	}
	environ := append(os.Environ(), "UV_CACHE_DIR="+t.TempDir(), "UV_OFFLINE=1", "UV_NO_CONFIG=1", "UV_NO_INDEX=1", "UV_FIND_LINKS="+wheels)
	for platform, want := range map[string]string{
		"x86_64-manylinux2014": "manylinux2014_x86_64", "aarch64-manylinux_2_28": "manylinux2014_aarch64",
		"x86_64-unknown-linux-musl": "musllinux_1_1_x86_64", "aarch64-unknown-linux-musl": "musllinux_1_1_aarch64",
		"x86_64-apple-darwin": "_x86_64", "aarch64-apple-darwin": "_arm64", "x86_64-pc-windows-msvc": "win_amd64", "aarch64-pc-windows-msvc": "win_arm64",
		"riscv64-unknown-linux": "",
	} {
		dir := t.TempDir()
		c := exec.CommandContext(t.Context(), uv, "pip", "install", "--quiet", "--target", dir, "--python-platform", platform, "--only-binary=:all:", "slipway-ci==1.2.3rc1")
		c.Env, c.Dir = environ, t.TempDir()
		out, err := c.CombinedOutput()
		if want == "" {
			if err == nil || !strings.Contains(string(out), "no wheels") {
				t.Errorf("%s: %v\n%s", platform, err, out)
			}
			continue
		}
		found, _ := filepath.Glob(filepath.Join(dir, "*.dist-info", "WHEEL"))
		if err != nil || len(found) != 1 {
			t.Errorf("%s: %v, %v\n%s", platform, err, found, out)
			continue
		}
		if text, _ := os.ReadFile(found[0]); !strings.Contains(string(text), want+"\n") || strings.Contains(want, "arm64") != strings.Contains(string(text), "arm64") {
			t.Errorf("%s got the wheel of\n%s", platform, text)
		}
	}
}
