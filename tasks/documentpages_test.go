package tasks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wholePages are the pages whose first slipway.yaml is a whole file, with the Polyaxonfiles beside it.
var wholePages = []string{"first-project.md", "metrics.md", "mlflow.md", "serving.md"}

// slipwayFiles returns the slipway.yaml files that the documents show: those of README.md,
// google.md, from-the-guide.md and wholePages as printed, the sections of configuration.md as one file, and each
// part of images.md in the place that it is for.
func slipwayFiles(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, b := range yamlBlocks(t, filepath.Join(root, "README.md")) {
		all[fmt.Sprintf("%s:%d", b.file, b.line)] = b.text
	}
	for _, b := range yamlBlocks(t, filepath.Join(root, "docs", "configuration.md")) {
		all["configuration.md"] += b.text
	}
	for _, page := range wholePages {
		for _, b := range yamlBlocks(t, filepath.Join(root, "docs", page)) {
			if strings.HasPrefix(b.text, "# slipway.yaml\n") && all[page] == "" { // what follows changes the first
				all[page] = b.text
			}
		}
	}
	for _, b := range yamlBlocks(t, filepath.Join(root, "docs", "google.md")) {
		if !strings.Contains(b.text, "runs-on:") && !strings.Contains(b.text, "id_tokens:") { // of GitHub, of GitLab
			all[fmt.Sprintf("%s:%d", b.file, b.line)] = b.text
		}
	}
	for _, b := range yamlBlocks(t, filepath.Join(root, "docs", "from-the-guide.md")) {
		all[b.file] = b.text
	}
	for _, b := range yamlBlocks(t, filepath.Join(root, "docs", "images.md")) {
		if strings.HasPrefix(b.text, " ") {
			b.text = "images:\n  piece:\n" + b.text
			if !strings.Contains(b.text, "python:") {
				b.text += "    files: [src/]\n    base: \"python:3.12-slim\"\n"
			}
		}
		if strings.Contains(b.text, "apt:bookworm") {
			b.text = "apt-sources: apt/debian.sources\n" + strings.ReplaceAll(b.text, "apt:bookworm", "apt:stable")
		}
		all[fmt.Sprintf("%s:%d", b.file, b.line)] = b.text
	}
	return all
}

// writePolyaxonfiles writes the Polyaxonfiles of a page, which begin with their names.
func writePolyaxonfiles(t *testing.T, page, dir string) {
	t.Helper()
	for _, b := range yamlBlocks(t, page) {
		first, _, _ := strings.Cut(b.text, "\n")
		if file, ok := strings.CutPrefix(first, "# "); ok && strings.HasSuffix(file, ".yml") {
			if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(file)), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
