package devtools

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
)

// buildkitModule is the module that pins the version of buildkitd. It is separate from
// slipway's module because a daemon has many more dependencies than its client. A test
// checks that both have the same version.
const buildkitModule = "internal/testenv/buildkit"

// makeBuildKit builds buildkitd. It needs runc, and the images of tests need a static shell.
func makeBuildKit(ctx context.Context, o Options) error {
	if runtime.GOOS != "linux" {
		return errors.New("buildkitd runs on Linux")
	}
	target, err := filepath.Abs(filepath.Join(cacheDir, "buildkitd"))
	if err != nil {
		return err
	}
	return run(ctx, o, nil, "go", "build", "-C", filepath.FromSlash(buildkitModule), "-trimpath", "-ldflags=-s -w", "-o", target, "github.com/moby/buildkit/cmd/buildkitd")
}
