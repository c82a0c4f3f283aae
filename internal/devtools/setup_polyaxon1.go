package devtools

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// polyaxon1Version is the version of the older Polyaxon library that tests compare with.
const polyaxon1Version = "1.11.3"

// polyaxon1Packages returns the packages that the library was made for. It does not limit
// the version of marshmallow itself, and later versions have other messages.
func polyaxon1Packages() []string {
	return []string{"polyaxon==" + polyaxon1Version, "marshmallow<3.12", "kubernetes==21.7.0"}
}

// makePolyaxon1 creates the virtual environment of the older library, which needs an
// older Python.
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

// olderPython returns a Python that the older library runs on. It runs each one, as a
// program of that name may be a placeholder that does not start a Python.
func olderPython(ctx context.Context) (string, error) {
	for _, name := range []string{"python3.11", "python3.10", "python3.9"} {
		if exec.CommandContext(ctx, name, "-c", "import ensurepip, venv").Run() == nil {
			return name, nil
		}
	}
	return "", errors.New("Python 3.9, 3.10 or 3.11 is not installed") //nolint:staticcheck // it begins with a name
}
