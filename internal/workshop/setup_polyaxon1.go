package workshop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// polyaxon1Version is the older Polyaxon whose library says what a Polyaxonfile
// becomes there.
const polyaxon1Version = "1.11.3"

// polyaxon1Packages are what its library was made for: it asks for no version of
// marshmallow, and later ones have other messages.
func polyaxon1Packages() []string {
	return []string{"polyaxon==" + polyaxon1Version, "marshmallow<3.12", "kubernetes==21.7.0"}
}

// makePolyaxon1 makes the environment of the older library, which wants an older
// Python too.
func makePolyaxon1(ctx context.Context, o Options) error {
	python, err := olderPython(ctx)
	if err != nil {
		return err
	}
	venv := filepath.Join(cacheDir, "polyaxon111")
	if err := os.RemoveAll(venv); err != nil {
		return err
	}
	if err := run(ctx, o, nil, python, "-m", "venv", venv); err != nil {
		return err
	}
	return run(ctx, o, nil, filepath.Join(venv, "bin", "pip"), append([]string{"install", "--quiet", "--disable-pip-version-check"}, polyaxon1Packages()...)...)
}

// olderPython finds a Python that the older library runs on. A program of that name
// may be a stand-in that starts nothing, so each is tried.
func olderPython(ctx context.Context) (string, error) {
	for _, name := range []string{"python3.11", "python3.10", "python3.9"} {
		if exec.CommandContext(ctx, name, "-c", "import ensurepip, venv").Run() == nil {
			return name, nil
		}
	}
	return "", errors.New("Python 3.9, 3.10 or 3.11 is not installed") //nolint:staticcheck // it begins with a name
}
