package testbed

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Polyaxon starts a Polyaxon 2.18 server, with an agent that really runs what is
// submitted to it, and gives its address. Both end with the test.
func Polyaxon(t testing.TB) string {
	// Without it writes at the same time fail: SQLite is locked.
	return startPolyaxon(t, `POLYAXON_DB_OPTIONS={"transaction_mode":"IMMEDIATE","timeout":30}`)
}

// FailingPolyaxon starts a server as Polyaxon does, whose every other write at the
// same time fails: with 405 and an empty page, for its database is locked.
func FailingPolyaxon(t testing.TB) string { return startPolyaxon(t) }

func startPolyaxon(t testing.TB, environ ...string) string {
	t.Helper()
	haupt := component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "haupt"))
	dir := shortDir(t)
	data := filepath.Join(dir, "data")
	host := fmt.Sprintf("http://127.0.0.1:%d", freePorts(t, 1)[0])
	a := &agent{host: host, data: data, pods: map[string]*pod{}}
	cluster := httptest.NewServer(a.cluster())
	t.Cleanup(cluster.Close)
	if err := kubeconfig(dir, cluster); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "HOME="+dir, "KUBECONFIG="+filepath.Join(dir, ".kube", "config"), "POLYAXON_ARCHIVES_ROOT="+filepath.Join(dir, "archives"))
	_, port, _ := net.SplitHostPort(host[len("http://"):])
	log := start(t, dir, "haupt", append(env, environ...), haupt, "sandbox", "start", "--host", "127.0.0.1", "--port", port, "--workers", "1", "--path", data)
	await(t, log, 120*time.Second, http.DefaultClient, host+"/api/v1/installation", []byte(`"version"`))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return host
}
