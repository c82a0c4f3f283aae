package devtools

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// buildkitModule is the module that pins the version of buildkitd. It is separate from
// slipway's module because a daemon has many more dependencies than its client. A test
// checks that both have the same version.
const buildkitModule = "internal/testenv/buildkit"

// makeBuildKit builds buildkitd. It installs Debian's runc, and a static shell for the
// images of tests, if they are missing; that takes root.
func makeBuildKit(ctx context.Context, o Options) error {
	if runtime.GOOS != "linux" {
		return errors.New("buildkitd runs on Linux")
	}
	target, err := filepath.Abs(filepath.Join(cacheDir, "buildkitd"))
	if err != nil {
		return err
	}
	if err := run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash(buildkitModule), "-trimpath", "-ldflags=-s -w", "-o", target, "github.com/moby/buildkit/cmd/buildkitd"); err != nil {
		return err
	}
	_, missingRunc := exec.LookPath("runc")
	_, missingShell := exec.LookPath("busybox")
	if missingRunc == nil && missingShell == nil {
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("installing Debian's packages runc and busybox-static takes root")
	}
	quiet := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := run(ctx, o, quiet, "apt-get", "update", "-qq"); err != nil {
		return err
	}
	return run(ctx, o, quiet, "apt-get", "install", "-y", "-qq", "--no-install-recommends", "runc", "busybox-static")
}
