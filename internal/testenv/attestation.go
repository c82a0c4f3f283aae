package testenv

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Attestations runs a Python script that validates files of SBOMs and provenances with
// the SPDX project's own validator and the schemas of in-toto and SLSA. The test fails if
// the script does.
func Attestations(t testing.TB, script string, files ...string) {
	t.Helper()
	python := component(t, "spdx (pyspdxtools and in-toto-attestation)", filepath.Join("spdx", "bin", "python"))
	if out, err := exec.CommandContext(t.Context(), python, append([]string{"-I", script}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
