package devtools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// mlflowPackage is MLflow's tracking server and its client.
const mlflowPackage = "mlflow==3.17.2"

// servicePackages returns the programs of the service components. MLflow is a component of its
// own, and code-server is left out, as it is large.
func servicePackages() []string {
	return []string{"jupyterlab==4.6.6", "tensorboard==2.21.0", "streamlit==1.67.0", "fastapi==0.165.0", "uvicorn[standard]==0.54.0"}
}

func makeServices(ctx context.Context, o Options) error {
	return installForBase(ctx, o, "services", servicePackages()...)
}

func makeMLflow(ctx context.Context, o Options) error {
	return installForBase(ctx, o, "mlflow", mlflowPackage)
}

// installForBase installs packages below the cache, for the Python of python-base and not for
// the one of this machine.
func installForBase(ctx context.Context, o Options, name string, packages ...string) error {
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || machine == "" {
		return errors.New("python-base is Linux, on amd64 or arm64")
	}
	dir := filepath.Join(cacheDir, name)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := run(ctx, o, nil, "python3", "-m", "venv", dir); err != nil {
		return err
	}
	args := []string{"install", "--quiet", "--disable-pip-version-check", "--target", filepath.Join(dir, "site-packages"),
		"--python-version=3.11", "--implementation=cp", "--only-binary=:all:"}
	for _, glibc := range []string{"manylinux_2_17", "manylinux2014", "manylinux_2_28"} {
		args = append(args, fmt.Sprintf("--platform=%s_%s", glibc, machine))
	}
	return run(ctx, o, nil, filepath.Join(dir, "bin", "pip"), append(args, packages...)...)
}
