package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/testbed"
)

// BenchmarkRunOverhead runs a job that does nothing on a real Polyaxon server, by
// slipway and by Polyaxon's own command line: all the time that it takes is what
// these, the server and its agent add to a run.
func BenchmarkRunOverhead(b *testing.B) {
	root, host := testbed.Root(b), testbed.Polyaxon(b)
	dir, home := b.TempDir(), b.TempDir()
	for name, text := range map[string]string{
		"slipway.yaml": "project: bench\nregistry: 127.0.0.1:9/none\npolyaxon: {host: \"" + host + "\"}\njobs: {nothing: {polyaxonfile: job.yml}}\n",
		"job.yml":      "version: 1.1\nkind: component\nname: nothing\nrun: {kind: job, container: {image: busybox, command: [sh, -c, \"echo done\"]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	binary := filepath.Join(b.TempDir(), "slipway")
	execute(b, root, "go", "build", "-o", binary, "./cmd/slipway")
	b.Cleanup(func() { stopSandbox(dir) })
	execute(b, dir, binary, "deploy")
	official := filepath.Join(root, ".cache", "haupt", "bin", "polyaxon")
	testbed.Compare(b,
		testbed.Contender{Name: "slipway deploy --rerun", Run: func(tb testing.TB) int64 { return execute(tb, dir, binary, "deploy", "--rerun") }},
		testbed.Contender{Name: "polyaxon run --watch", Run: func(tb testing.TB) int64 {
			command := exec.Command(official, "run", "-f", "job.yml", "-p", "bench", "--watch")
			command.Dir = dir
			command.Env = append(os.Environ(), "HOME="+home, "POLYAXON_HOST="+host, "POLYAXON_CONTEXT_ROOT="+home)
			if out, err := command.CombinedOutput(); err != nil {
				tb.Fatalf("%v\n%s", err, out)
			}
			return testbed.Peak(command.ProcessState)
		}},
	)
}
