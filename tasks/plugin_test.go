package tasks_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
)

// TestPluginOnce runs commands with a kubeconfig whose program for credentials fails. Each command
// runs it once, however many parts of the cluster it asks.
func TestPluginOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a script of sh")
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	for name, text := range map[string]string{
		"slipway.yaml": "project: p\nregistry: 127.0.0.1:1/team\ncluster: {kubeconfig: {path: kubeconfig}}\nsecrets: {signing: {data: {key: 'env:KEY'}}}\n",
		"kubeconfig": "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}], contexts: [{name: c, context: {cluster: c, user: u}}],\n" +
			"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: sh, args: [-c, 'echo run >> " + log + "; exit 3']}}}]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := &tasks.Env{Dir: dir, Lookup: func(name string) (string, bool) { return "value", name == "KEY" }}
	for name, c := range map[string]struct {
		run  func(context.Context) error
		code int
	}{
		"plan":           {func(ctx context.Context) error { _, err := tasks.Plan(ctx, env, tasks.PlanOptions{}); return err }, 0},
		"deploy":         {func(ctx context.Context) error { _, err := tasks.Deploy(ctx, env, tasks.DeployOptions{}); return err }, tasks.ExitStep},
		"doctor":         {func(ctx context.Context) error { _, err := tasks.Doctor(ctx, env, tasks.DoctorOptions{}); return err }, tasks.ExitStep},
		"cluster status": {func(ctx context.Context) error { _, err := tasks.ClusterStatus(ctx, env); return err }, tasks.ExitStep},
	} {
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		code := tasks.ExitCode(c.run(t.Context()))
		text, err := os.ReadFile(log)
		if n := strings.Count(string(text), "run"); err != nil || n != 1 || code != c.code {
			t.Errorf("%s runs the program %d times and ends with code %d, %v", name, n, code, err)
		}
	}
}
