package testenv

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/atomicfile"
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

// ask returns the answer of a script, which depends on nothing but the question and the packages of its
// Python. Answers are kept, as a large matrix takes minutes.
func ask(t testing.TB, python, script string, question, answer any) {
	t.Helper()
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(Root(t), ".cache", "answers", answerKey(t, python, script, input)+".json")
	if text, err := os.ReadFile(kept); err == nil && json.Unmarshal(text, answer) == nil {
		return
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
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(kept, output.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// answerKey returns the digest of all that an answer depends on. A script may import those beside it.
func answerKey(t testing.TB, python, script string, input []byte) string {
	t.Helper()
	packages, err := filepath.Glob(filepath.Join(filepath.Dir(python), "..", "lib", "python*", "site-packages", "*.dist-info"))
	if err != nil || len(packages) == 0 {
		t.Fatalf("%s has no packages: %v", python, err)
	}
	scripts, err := filepath.Glob(filepath.Join(filepath.Dir(script), "*.py"))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, path := range packages {
		_, _ = fmt.Fprintf(hash, "%s\n", filepath.Base(path))
	}
	for _, path := range scripts {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n%s", filepath.Base(path), len(text), text)
	}
	_, _ = fmt.Fprintf(hash, "%s\n%s", filepath.Base(script), input)
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// PolyaxonCommand returns the path of Polyaxon's command-line client, version 2.18.
func PolyaxonCommand(t testing.TB) string {
	return component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "polyaxon"))
}
