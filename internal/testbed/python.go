package testbed

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Oracle runs a Python script with Polyaxon's own packages, version 2.18. It gets
// question as JSON on its standard input, and what it prints is read into answer.
func Oracle(t testing.TB, script string, question, answer any) {
	t.Helper()
	python := component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "python"))
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	var output, said bytes.Buffer
	command := exec.Command(python, script)
	command.Env = append(os.Environ(), "HOME="+t.TempDir(), "PYTHONDONTWRITEBYTECODE=1")
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), &output, &said
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, said.String())
	}
	if err := json.Unmarshal(output.Bytes(), answer); err != nil {
		t.Fatalf("%s answers what is no JSON: %v\n%s", script, err, output.String())
	}
}

// PolyaxonCommand gives the path of Polyaxon's own command, version 2.18.
func PolyaxonCommand(t testing.TB) string {
	return component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "polyaxon"))
}
