package testbed

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Attestations has the SPDX project's own validator, and the schemas of in-toto and
// SLSA, judge files of SBOMs and provenances by a Python script.
func Attestations(t testing.TB, script string, files ...string) {
	t.Helper()
	python := component(t, "spdx (pyspdxtools and in-toto-attestation)", filepath.Join("spdx", "bin", "python"))
	if out, err := exec.CommandContext(t.Context(), python, append([]string{"-I", script}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
