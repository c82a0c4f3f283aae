package tasks

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestReferencesCannotReachPrivateNames uses a urlRef with a host name that resolves to
// loopback. It must be refused, also in a command that masks secrets and therefore wraps the
// transport.
func TestReferencesCannotReachPrivateNames(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"slipway.yaml": "project: p\njobs: {train: {polyaxonfile: op.yml}}\n",
		"op.yml":       "version: 1.1\nkind: operation\nurlRef: https://localhost:1/component.yml\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := &Env{Dir: dir, Events: report.Discard{}, Lookup: func(string) (string, bool) { return "", false }, Transport: &http.Transport{}, Secrets: &secret.Masker{}}
	p, err := env.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Operation(t.Context(), p, p.Config.Jobs["train"], ""); err == nil || !strings.Contains(err.Error(), "is not a public address") {
		t.Errorf("%v", err)
	}
}
