// Package testbed starts the real components that slipway is tested against: a
// Kubernetes API server, a Polyaxon server, an OCI registry, a runner of GitHub
// workflows. `go run mage.go test` puts them under .cache; where one is missing, a
// test that wants it is skipped by its name, and fails when CI is true.
package testbed

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
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Root gives the repository's root.
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

// component gives the path of a program under .cache, or skips the test.
func component(t testing.TB, name, path string) string {
	t.Helper()
	found := filepath.Join(Root(t), ".cache", path)
	if _, err := os.Stat(found); err == nil {
		return found
	}
	missing(t, name)
	return ""
}

// Thorough tells whether a test goes through all of a large matrix, which it does
// where CI is true, rather than through a sample of it.
func Thorough() bool { return os.Getenv("CI") == "true" }

// EndAtOnce has the programs that tests start end when they are done: with the race
// detector each of them would first wait for a second, in case it hears of a race
// late (atexit_sleep_ms, whose default is 1000). It is for TestMain.
func EndAtOnce() {
	if _, set := os.LookupEnv("GORACE"); !set {
		_ = os.Setenv("GORACE", "atexit_sleep_ms=20")
	}
}

func missing(t testing.TB, name string) {
	t.Helper()
	text := name + " is not here; `go run mage.go test` sets it up where it can be had"
	if Thorough() {
		t.Fatal(text)
	}
	t.Skip(text)
}

// PythonBase gives a tar file of a root file system with Debian's Python 3.11 at
// /usr/bin/python3.
func PythonBase(t testing.TB) string {
	return component(t, "python-base (Debian's Python)", "python-base.tar")
}

// Services gives a directory of packages for the Python of PythonBase: the programs
// of the components that are services.
func Services(t testing.TB) string {
	return component(t, "services (JupyterLab, TensorBoard, Streamlit, uvicorn)", filepath.Join("services", "site-packages"))
}

// Act gives the path of act, which runs workflows on this machine.
func Act(t testing.TB) string { return component(t, "act (GitHub workflows)", "act") }

// Kubernetes starts etcd and kube-apiserver and gives an administrator's access.
// Both end with the test.
func Kubernetes(t testing.TB) *rest.Config {
	t.Helper()
	binary := component(t, "kubetest (Kubernetes)", "kubetest")
	dir := shortDir(t)
	ports := freePorts(t, 3)
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	server := fmt.Sprintf("https://127.0.0.1:%d", ports[2])
	pki := filepath.Join(dir, "pki")
	if out, err := exec.Command(binary, "pki", "-dir", pki, "-server", server, "-ips", "127.0.0.1,10.96.0.1").CombinedOutput(); err != nil {
		t.Fatalf("make certificates: %v\n%s", err, out)
	}
	start(t, dir, "etcd", nil, binary, "etcd", "-data-dir", filepath.Join(dir, "etcd"), "-client", etcd, "-peer", fmt.Sprintf("http://127.0.0.1:%d", ports[1]))
	log := start(t, dir, "kube-apiserver", nil, binary, append([]string{"kube-apiserver", "--etcd-servers=" + etcd, "--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]), "--authorization-mode=RBAC", "--endpoint-reconciler-type=none"},
		serverFlags(pki)...)...)
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(pki, "admin.kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	await(t, log, 60*time.Second, transport, server+"/readyz", nil)
	return config
}

// serverFlags are those of every API server, whose certificates are in pki.
func serverFlags(pki string) []string {
	file := func(name string) string { return filepath.Join(pki, name) }
	return []string{
		"--tls-cert-file=" + file("apiserver.crt"), "--tls-private-key-file=" + file("apiserver.key"), "--cert-dir=" + pki,
		"--client-ca-file=" + file("ca.crt"), "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + file("sa.key"),
		"--service-account-signing-key-file=" + file("sa.key"), "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true", "--profiling=false",
	}
}

// Registry starts Debian's docker-registry and gives its host and port.
func Registry(t testing.TB) string {
	t.Helper()
	host, _ := StoredRegistry(t)
	return host
}

// StoredRegistry is Registry with the directory in which it keeps blobs.
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

// Docker starts Debian's Docker daemon, which has a graph driver, and gives its
// address. It ends with the test.
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

// shortDir is a test's directory with a short path, for Unix sockets.
func shortDir(t testing.TB) string {
	dir, err := os.MkdirTemp("", "tb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// freePorts gives ports that are free now: from a range out of which no system gives
// ports by itself, so that they stay free until a server takes them.
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

// start runs a server until the test ends, and gives the path of its log.
func start(t testing.TB, dir, name string, env []string, binary string, args ...string) string {
	t.Helper()
	_, log := launch(t, dir, name, env, binary, args...)
	return log
}

// launch starts a program that ends with the test, and gives it and the path of
// its log.
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

// await waits until a server answers 200 with a text.
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

// until waits for something to be ready, and shows the end of a log when it is not.
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
