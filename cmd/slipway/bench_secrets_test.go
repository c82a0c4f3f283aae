package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
)

// BenchmarkSecrets syncs 50 secrets that are up to date to a real API server on this
// machine, in this process. A test counts the requests.
func BenchmarkSecrets(b *testing.B) {
	access := testenv.Kubernetes(b)
	dir := b.TempDir()
	secrets := ""
	for n := range 50 {
		secrets += fmt.Sprintf("  secret-%d: {data: {token: env:TOKEN}}\n", n)
	}
	kubeconfig := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: %q, certificate-authority: %q}}]\n"+
		"users: [{name: a, user: {client-certificate: %q, client-key: %q}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\ncurrent-context: a\n",
		access.Host, access.CAFile, access.CertFile, access.KeyFile)
	if access.CAFile == "" {
		for name, text := range map[string][]byte{"ca.crt": access.CAData, "user.crt": access.CertData, "user.key": access.KeyData} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				b.Fatal(err)
			}
		}
		kubeconfig = strings.NewReplacer(`certificate-authority: ""`, "certificate-authority: ca.crt", `client-certificate: ""`, "client-certificate: user.crt", `client-key: ""`, "client-key: user.key").Replace(kubeconfig)
	}
	for name, text := range map[string]string{
		"kubeconfig":   kubeconfig,
		"slipway.yaml": "project: bench\ncluster: {kubeconfig: {path: " + filepath.Join(dir, "kubeconfig") + "}, namespace: bench, create-namespace: true}\nsecrets:\n" + secrets,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	sync := func() *tasks.Result {
		env := &tasks.Env{Dir: dir, Events: silent{}, Transport: http.DefaultTransport, Now: time.Now,
			Lookup: func(name string) (string, bool) { return "a-secret-value", name == "TOKEN" }}
		result, err := tasks.SecretsSync(b.Context(), env, tasks.SecretsOptions{})
		if err != nil {
			b.Fatal(err)
		}
		return result
	}
	sync()
	for b.Loop() {
		if result := sync(); result.Changes != 0 || len(result.Secrets) != 50 {
			b.Fatalf("%d changes", result.Changes)
		}
	}
}
