package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestBinarySize builds the binary as a release is built and checks its size.
// docs/benchmarks.md lists its largest parts.
func TestBinarySize(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("links another binary: only if CI is true")
	}
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "slipway")
	command := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags=grpcnotrace", "-ldflags=-s -w", "-o", binary, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 61_000_000 // the aim is 60 MB
	if info.Size() > limit {
		t.Errorf("the binary has %d bytes, more than %d", info.Size(), limit)
	}
	t.Logf("%d bytes", info.Size())
}
