package run

import (
	"cmp"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// missingProgram matches what shells (bash, dash, busybox), container runtimes (runc, crun) and the sandbox say of a
// program that an image does not have.
var missingProgram = lazyregexp.New(`(?:exec: "([^"\s]+)": executable file not found|executable file .([^\s"]+). not found in \$PATH|(?:^|[: ])([\w.+-]+): command not found|\bsh: (?:\d+: )?([\w.+-]+): not found$)`)

// programPackages are the Python packages that bring well-known programs.
var programPackages = map[string]string{
	"jupyter": "jupyterlab", "jupyter-lab": "jupyterlab", "streamlit": "streamlit", "uvicorn": "uvicorn", "gunicorn": "gunicorn", "fastapi": "fastapi[standard]",
	"tensorboard": "tensorboard", "mlflow": "mlflow", "torchrun": "torch", "accelerate": "accelerate", "pytest": "pytest", "dvc": "dvc",
}

// programHint returns what to do if one of the lines names a program that the image of a run does not have, and ""
// otherwise.
func programHint(lines []string) string {
	m := firstMatch(missingProgram, lines)
	if m == nil {
		return ""
	}
	name := cmp.Or(m[1:]...)
	hint := "the image does not have the program " + name + ": "
	if brings := programPackages[name]; brings != "" {
		return hint + "add the package " + brings + " to the requirements of the image and lock them again"
	}
	return hint + "correct the command, or add what brings it to the image: a Python package to its requirements, or a Debian package under system"
}
