package testenv

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Oracle runs a Python script with the packages of Polyaxon 2.18. The script gets
// question as JSON on its standard input. Its output, also JSON, is decoded into answer.
func Oracle(t testing.TB, script string, question, answer any) {
	t.Helper()
	ask(t, component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "python")), script, question, answer)
}

// Oracle111 is like Oracle, with the package of Polyaxon 1.11.3.
func Oracle111(t testing.TB, script string, question, answer any) {
	t.Helper()
	ask(t, component(t, "polyaxon111 (Polyaxon 1.11.3)", filepath.Join("polyaxon111", "bin", "python")), script, question, answer)
}

func ask(t testing.TB, python, script string, question, answer any) {
	t.Helper()
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
		t.Fatalf("%s does not print valid JSON: %v\n%s", script, err, output.String())
	}
}

// PolyaxonCommand returns the path of Polyaxon's command-line client, version 2.18.
func PolyaxonCommand(t testing.TB) string {
	return component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "polyaxon"))
}
