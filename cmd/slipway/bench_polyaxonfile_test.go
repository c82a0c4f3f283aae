package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// BenchmarkPolyaxonfile compares slipway check with polyaxon check, which takes one file
// a call, on the same 8 Polyaxonfiles. It also checks a repository of 1,000 files and
// renders a job.
func BenchmarkPolyaxonfile(b *testing.B) {
	polyaxon := testenv.PolyaxonCommand(b)
	root := testenv.Root(b)
	binary := filepath.Join(b.TempDir(), "slipway")
	execute(b, root, "go", "build", "-o", binary, "./cmd/slipway")

	few, many := b.TempDir(), b.TempDir()
	files := polyaxonfiles(b, root)
	for i := range 8 {
		write(b, few, i, files[i%len(files)])
	}
	for i := range 1000 {
		write(b, many, i, files[i%len(files)])
	}
	config := "project: bench\njobs: {train: {component: train, params: {COMMAND: [python], DOCKER_IMAGE: \"a@sha256:" + strings.Repeat("0", 64) + "\"}}}\n"
	job := b.TempDir()
	if err := os.WriteFile(filepath.Join(job, "slipway.yaml"), []byte(config), 0o644); err != nil {
		b.Fatal(err)
	}
	b.Setenv("HOME", b.TempDir()) // Polyaxon keeps its settings there
	testenv.Compare(b,
		testenv.Contender{Name: "slipway check, 8 files", Run: func(tb testing.TB) int64 { return execute(tb, few, binary, "check") }},
		testenv.Contender{Name: "polyaxon check, 8 files", Run: func(tb testing.TB) int64 {
			most := int64(0)
			for i := range 8 {
				most = max(most, execute(tb, few, polyaxon, "check", "-f", fmt.Sprintf("job-%d.yml", i), "-P", "DOCKER_IMAGE=a:1", "-P", `COMMAND=["a"]`, "-P", "LEARNING_RATE=0.5"))
			}
			return most
		}},
		testenv.Contender{Name: "slipway check, 1000 files", Run: func(tb testing.TB) int64 { return execute(tb, many, binary, "check") }},
		testenv.Contender{Name: "slipway render", Run: func(tb testing.TB) int64 { return execute(tb, job, binary, "render", "train") }},
		testenv.Contender{Name: "slipway version", Run: func(tb testing.TB) int64 { return execute(tb, few, binary, "version") }},
	)
}

// polyaxonfiles returns the Polyaxonfiles of the quick start and of the built-in
// components.
func polyaxonfiles(tb testing.TB, root string) []string {
	var all []string
	paths, err := filepath.Glob(filepath.Join(root, "examples", "quickstart", "polyaxon", "*.yml"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(text))
	}
	for _, name := range components.Names() {
		text, err := components.Read(name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// write writes a Polyaxonfile, with i in its name so that no two files are the same.
func write(tb testing.TB, dir string, i int, text string) {
	text = strings.Replace(text, "name: ", fmt.Sprintf("name: n%d-", i), 1)
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("job-%d.yml", i)), []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}
