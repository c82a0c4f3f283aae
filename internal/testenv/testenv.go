// Package testenv starts the real components that slipway is tested against: a Kubernetes
// API server, a Polyaxon server, an OCI registry, a runner of GitHub workflows. The command
// `go run mage.go test` installs them below .cache. If one is missing, a test that needs it
// is skipped with a message that names it, or fails if that is Demanded.
package testenv

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Root returns the root of the repository.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "slipway.yaml")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the tests run outside of the repository")
		}
		dir = filepath.Dir(dir)
	}
}

// component returns the path of a program below .cache. It skips the test if it is
// missing.
func component(t testing.TB, name, path string) string {
	t.Helper()
	found := filepath.Join(Root(t), ".cache", path)
	if _, err := os.Stat(found); err == nil {
		return found
	}
	missing(t, name)
	return ""
}

// Thorough reports whether a test should run a large part of a matrix rather than a small
// sample of it. It does if CI is true.
func Thorough() bool { return Exhaustive() || os.Getenv("CI") == "true" }

// Exhaustive reports whether a test should run all of a matrix, which takes hours. It does if
// EXHAUSTIVE is true.
func Exhaustive() bool { return os.Getenv("EXHAUSTIVE") == "true" }

// Demanded reports whether a test must fail, rather than be skipped, if this machine lacks
// what the test needs. It must if CI is true. Other systems than Linux are an exception,
// because the real components are programs for Linux.
func Demanded() bool { return Thorough() && runtime.GOOS == "linux" }

// DisableRaceExitDelay makes the programs that tests start exit without delay. With the race
// detector each of them would otherwise wait a second for late reports of races
// (atexit_sleep_ms, whose default is 1000). Call it from TestMain.
func DisableRaceExitDelay() {
	if _, set := os.LookupEnv("GORACE"); !set {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=20")
	}
}

// missing skips the test because a component is missing, or fails it if that is Demanded.
func missing(t testing.TB, name string) {
	t.Helper()
	text := name + " is not installed; run `go run mage.go test` to install it where it is available"
	if Demanded() {
		t.Fatal(text)
	}
	t.Skip(text)
}

// PythonBase returns the path of a tar file with a root file system that has Debian's
// Python 3.11 at /usr/bin/python3.
func PythonBase(t testing.TB) string {
	return component(t, "python-base (Debian's Python)", "python-base.tar")
}

// Services returns the path of a directory with Python packages for PythonBase: the
// programs of the service components.
func Services(t testing.TB) string {
	return component(t, "services (JupyterLab, TensorBoard, Streamlit, uvicorn)", filepath.Join("services", "site-packages"))
}

// MLflow returns the path of a directory with Python packages for PythonBase: MLflow's
// tracking server and its client.
func MLflow(t testing.TB) string {
	return component(t, "mlflow (MLflow's server and client)", filepath.Join("mlflow", "site-packages"))
}

// TrackingClient returns the path of a directory with Python packages for PythonBase:
// Polyaxon's tracking client.
func TrackingClient(t testing.TB) string {
	return component(t, "haupt (Polyaxon 2.18, of Python 3.11)", filepath.Join("haupt", "lib", "python3.11", "site-packages"))
}

// Penguins returns the path of a Python that has the packages of examples/python, and pytest.
func Penguins(t testing.TB) string {
	return component(t, "penguins (the packages of examples/python)", filepath.Join("penguins", "bin", "python"))
}

// Act returns the path of act, which runs GitHub workflows on this machine.
func Act(t testing.TB) string { return component(t, "act (GitHub workflows)", "act") }

// Registry starts Debian's docker-registry and returns its host and port. It is stopped
// when the test ends.
func Registry(t testing.TB) string {
	t.Helper()
	host, _ := StoredRegistry(t)
	return host
}

// StoredRegistry is like Registry, and also returns the directory that holds the blobs.
func StoredRegistry(t testing.TB) (host, storage string) {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		missing(t, "docker-registry (Debian's package of the same name)")
	}
	dir := shortDir(t)
	host = fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1)[0])
	config := filepath.Join(dir, "config.yml")
	storage = filepath.Join(dir, "blobs")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", storage, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := start(t, dir, "docker-registry", nil, binary, "serve", config)
	await(t, log, 20*time.Second, http.DefaultClient, "http://"+host+"/v2/", nil)
	return host, storage
}

// Docker starts Debian's Docker daemon, which uses a graph driver, and returns its
// address. It is stopped when the test ends.
func Docker(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("dockerd")
	if err != nil || os.Geteuid() != 0 {
		missing(t, "dockerd (Debian's package docker.io, and root)")
	}
	dir := shortDir(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	log := start(t, dir, "dockerd", nil, binary, "--data-root", file("data"), "--exec-root", file("exec"), "-H", "unix://"+file("s"), "-p", file("pid"),
		"--iptables=false", "--bridge=none")
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", file("s"))
	}
	await(t, log, 120*time.Second, &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, "http://docker/_ping", nil)
	return "unix://" + file("s")
}

// Chromium returns the path of Chromium.
func Chromium(t testing.TB) string {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium (Debian's package of the same name)")
	}
	return binary
}

// shortDir returns a temporary directory with a short path, as the path of a Unix socket
// must be short.
func shortDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "tb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// freePorts returns n ports that are free. They are outside of the range from which
// systems assign ports, so that they stay free until a server listens on them.
func freePorts(t testing.TB, n int) []int {
	var ports []int
	for range 1000 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatal("no port is free")
	return nil
}

// start runs a server until the test ends, and returns the path of its log.
func start(t testing.TB, dir, name string, env []string, binary string, args ...string) string {
	t.Helper()
	_, log := launch(t, dir, name, env, binary, args...)
	return log
}

// launch starts a program that is stopped when the test ends. It returns the command and
// the path of its log.
func launch(t testing.TB, dir, name string, env []string, binary string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, args...)
	command.Env, command.Stdout, command.Stderr, command.Dir = env, log, log, dir
	group(command)
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	t.Cleanup(func() {
		end(command)
		_ = log.Close()
	})
	return command, log.Name()
}

// await waits until a server answers with status 200 and a body that contains text.
func await(t testing.TB, log string, limit time.Duration, client *http.Client, url string, text []byte) {
	t.Helper()
	until(t, log, limit, url, func() bool {
		response, err := client.Get(url)
		if err != nil {
			return false
		}
		var body bytes.Buffer
		_, err = body.ReadFrom(response.Body)
		_ = response.Body.Close()
		return err == nil && response.StatusCode == http.StatusOK && bytes.Contains(body.Bytes(), text)
	})
}

// until waits until ready returns true. If that takes longer than limit, the test fails
// with the end of the log.
func until(t testing.TB, log string, limit time.Duration, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if ready() {
			return
		}
	}
	said, _ := os.ReadFile(log)
	lines := strings.Split(string(said), "\n")
	t.Fatalf("%s is not ready; the log ends:\n%s", what, strings.Join(lines[max(0, len(lines)-20):], "\n"))
}

// Kubectl returns the path of Kubernetes' own client.
func Kubectl(t testing.TB) string { return component(t, "kubectl", "kubectl") }
