package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
)

// BenchmarkSecrets syncs 50 secrets that are up to date, and 50 that are not there, to a
// real API server on this machine. TestNothingToSync counts the requests.
func BenchmarkSecrets(b *testing.B) {
	access := testenv.Kubernetes(b)
	dir := b.TempDir()
	if err := clientcmd.WriteToFile(*testenv.Kubeconfig(access), filepath.Join(dir, "kubeconfig")); err != nil {
		b.Fatal(err)
	}
	text := "project: bench\ncluster: {kubeconfig: {path: kubeconfig}, namespace: \"${NS}\", create-namespace: true}\nsecrets:\n"
	for n := range 50 {
		text += fmt.Sprintf("  secret-%d: {data: {token: env:TOKEN}}\n", n)
	}
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	namespaces := 0
	sync := func(tb testing.TB, namespace string, changes int) int64 {
		values := map[string]string{"TOKEN": "a-secret-value", "NS": namespace}
		env := &tasks.Env{Dir: dir, Events: silent{}, Transport: http.DefaultTransport, Now: time.Now,
			Lookup: func(name string) (string, bool) { value, ok := values[name]; return value, ok }}
		if result, err := tasks.SecretsSync(tb.Context(), env, tasks.SecretsOptions{}); err != nil || result.Changes != changes {
			tb.Fatal(result, err)
		}
		return 0
	}
	sync(b, "bench", 50)
	testenv.Compare(b,
		testenv.Contender{Name: "50 secrets, nothing to do", Run: func(tb testing.TB) int64 { return sync(tb, "bench", 0) }},
		testenv.Contender{Name: "50 secrets, all new", Run: func(tb testing.TB) int64 {
			namespaces++
			return sync(tb, fmt.Sprintf("bench-%d", namespaces), 50)
		}},
	)
}
