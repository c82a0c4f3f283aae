// Package polyaxonfiletest contains helpers for the tests of several packages that deal
// with Polyaxonfiles.
package polyaxonfiletest

import (
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Job is the shortest valid component.
const Job = "kind: component\nname: job\nrun: {kind: job, container: {image: a}}\n"

// Train is a component with several types of inputs.
const Train = `version: 1.1
kind: component
name: train
inputs:
- {name: DOCKER_IMAGE, type: str}
- {name: EPOCHS, type: int, value: 3, isOptional: true}
- {name: RATE, type: float}
- {name: NOTE, type: str, isOptional: true}
run:
  kind: job
  connections: [fstore-pvc]
  container:
    image: "{{ DOCKER_IMAGE }}"
    env: [{name: RATE, value: "{{ RATE }}"}]
    args: ["--epochs={{ EPOCHS }}", "{{ NOTE }}", "--out={{ globals.run_outputs_path }}"]
    resources: {requests: {cpu: 1, nvidia.com/gpu: 2}}
`

// Tree writes files, by path, to a temporary directory and returns the directory.
func Tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Values returns the values of a YAML mapping.
func Values(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
