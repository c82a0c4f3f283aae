package google_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// learner keeps what it learns.
type learner struct {
	mu    sync.Mutex
	known []string
}

// Learn implements secret.Learner.
func (l *learner) Learn(value []byte, _ bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = append(l.known, string(value))
}

// has reports whether a value was learned.
func (l *learner) has(value string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.known {
		if strings.Contains(known, value) {
			return true
		}
	}
	return false
}

// environment looks up a map.
func environment(all map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := all[name]
		return value, ok
	}
}

// atOnce is a pause that takes no time.
func atOnce(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// write writes a file with credentials and returns its path.
func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// text returns JSON.
func text(t *testing.T, value any) []byte {
	t.Helper()
	b, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const pool = "projects/" + googletest.ProjectNumber + "/locations/global/workloadIdentityPools/ci"

const provider = pool + "/providers/github"

// withKey returns the options for a key of a new service account.
func withKey(s *googletest.Server) (o google.Options, account string) {
	account = s.Account("deployer")
	o = s.Options()
	o.Key, o.KeyFrom, o.Pause = secret.NewValue(s.NewKey(account)), "env:GCP_SA_KEY", atOnce
	return o, account
}

// inJob returns the options for a job of GitHub Actions.
func inJob(s *googletest.Server, account string) google.Options {
	o := s.Options()
	o.Pause = atOnce
	o.Federation = &google.Federation{Provider: provider, ServiceAccount: account}
	o.Lookup = environment(s.Run(googletest.Job{Repository: "acme/ml"}))
	return o
}

// clusters requests the list of clusters.
func clusters(ctx context.Context, c *google.Credentials, s *googletest.Server) error {
	return c.Client(s.Endpoints().Container).Get(ctx, "v1/projects/acme-ml/locations/-/clusters", nil, &struct{}{})
}
