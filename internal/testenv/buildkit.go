package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
)

// BuildKit starts a buildkitd with an empty cache and returns its address. The steps of a
// build use this machine's network, so that they reach a registry on loopback. It is
// stopped when the test ends.
func BuildKit(t testing.TB) string {
	t.Helper()
	binary := component(t, "buildkitd (BuildKit)", "buildkitd")
	if _, err := exec.LookPath("runc"); err != nil || os.Geteuid() != 0 || runtime.GOOS != "linux" {
		missing(t, "buildkitd, which takes Linux, root and runc (Debian's package of the same name),")
	}
	dir := shortDir(t)
	address := "unix://" + filepath.Join(dir, "s")
	config := filepath.Join(dir, "buildkitd.toml")
	text := fmt.Sprintf("root = %q\n[grpc]\naddress = [%q]\n[worker.oci]\nenabled = true\nnetworkMode = \"host\"\n[worker.containerd]\nenabled = false\n[cdi]\ndisabled = true\n",
		filepath.Join(dir, "root"), address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// By default all instances would use the same socket for traces.
	log := start(t, dir, "buildkitd", os.Environ(), binary, "--config", config, "--otel-socket-path", filepath.Join(dir, "o"))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := client.New(ctx, address)
	if err == nil {
		defer c.Close()
		err = c.Wait(ctx)
	}
	if err != nil {
		said, _ := os.ReadFile(log)
		lines := strings.Split(string(said), "\n")
		t.Fatalf("buildkitd does not answer: %v; its log ends:\n%s", err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return address
}
