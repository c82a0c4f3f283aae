package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	const limit = 60_000_000
	if info.Size() > limit {
		t.Errorf("the binary has %d bytes, more than %d", info.Size(), limit)
	}
	t.Logf("%d bytes", info.Size())
}

// TestOwnScheme checks that the binary has the types of slipway's own scheme only. All types of
// Kubernetes are 12 MB.
func TestOwnScheme(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Split(string(output), "\n"), "k8s.io/client-go/kubernetes/scheme") {
		t.Error("a package imports client-go's scheme: use internal/scheme and cluster.Clients; see `go mod why -m` and `go list -deps`")
	}
}
