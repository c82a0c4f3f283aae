package devtools

import (
	"context"
	"os"
	"path/filepath"
)

// penguinsLock has the packages of examples/python, and pytest.
const penguinsLock = "examples/python/requirements/dev.txt"

func makePenguins(ctx context.Context, o Options) error {
	dir := filepath.Join(cacheDir, "penguins")
	for _, old := range []string{dir, filepath.Join(cacheDir, "penguins-wheels")} { // the tests add to the wheels
		if err := os.RemoveAll(old); err != nil {
			return err
		}
	}
	if err := run(ctx, o, nil, "python3", "-m", "venv", dir); err != nil {
		return err
	}
	pip := filepath.Join(dir, "bin", "pip")
	if err := run(ctx, o, nil, pip, "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", filepath.FromSlash(penguinsLock)); err != nil {
		_ = os.RemoveAll(dir) // what is there in part is not used
		return err
	}
	return nil
}
