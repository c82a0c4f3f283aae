package tasks

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/sandbox/storage"
)

// TestDataRefused gives the data commands buckets and names that are not there, may not be used or are refused. Each
// is one error with its exit code, nothing is written, and all but what Cloud Storage alone knows is found without
// a request.
func TestDataRefused(t *testing.T) {
	cloud := googletest.New(t).Listen()
	buckets, err := storage.New(t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	requests, writes, taken := 0, 0, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; r.Method != http.MethodGet {
			writes++
		}
		switch {
		case strings.Contains(r.URL.Path, "/forbidden"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"error": {"message": "ada@acme.dev does not have storage.objects.list access to the Google Cloud Storage bucket."}}`)
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/b") && taken:
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"error": {"message": "The requested bucket name is not available."}}`)
		case strings.Contains(r.URL.Path, "/retained"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"error": {"message": "Object 'retained/a' is subject to bucket's retention policy and cannot be overwritten", "errors": [{"reason": "retentionPolicyNotMet"}]}}`)
		case strings.Contains(r.URL.Path, "/payer"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error": {"message": "Bucket is requester pays bucket but no user project provided.", "errors": [{"reason": "required"}]}}`)
		default:
			buckets.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	for name, text := range map[string]string{"slipway.yaml": "project: story\ngoogle: {credentials: env:KEY}\n", "raw/a": "x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	values := map[string]string{"KEY": string(cloud.NewKey(cloud.Account("deployer"))), "CLOUDSDK_AUTH_TOKEN_HOST": cloud.Endpoints().Token, "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": server.URL}
	env := &Env{
		Dir: dir, Events: &eventLog{}, Transport: http.DefaultTransport, Now: time.Now, Stdout: &bytes.Buffer{},
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		Lookup: func(name string) (string, bool) { value, ok := values[name]; return value, ok },
	}
	sync := func(from, to string) error {
		_, err := DataSync(t.Context(), env, DataSyncOptions{From: from, To: to})
		return err
	}
	copyOne := func(from, to string) error {
		_, err := DataCp(t.Context(), env, DataCpOptions{From: from, To: to})
		return err
	}
	list := func(at, _ string) error { _, err := DataLs(t.Context(), env, DataLsOptions{At: at}); return err }
	cat := func(at, _ string) error { _, err := DataCat(t.Context(), env, DataCatOptions{At: at}); return err }
	create := func(at, _ string) error { _, err := DataMb(t.Context(), env, DataMbOptions{Bucket: at}); return err }
	if err := create("gs://acme-data", ""); err != nil {
		t.Fatal(err)
	}
	const missing, forbidden = "there is no bucket gs://acme-dota: did you mean gs://acme-data? If not, create it with `slipway data mb gs://acme-dota`", "no access to gs://forbidden: have the role roles/storage.objectUser granted on it"
	for _, c := range []struct {
		do       func(string, string) error
		from, to string
		code     int
		want     string
		requests int
	}{
		{sync, "raw", "gs://acme-dota", ExitUsage, missing, 2},
		{sync, "gs://acme-dota/raw", "new", ExitUsage, missing, 2},
		{sync, "gs://acme-dota/raw", "gs://acme-data", ExitUsage, missing, 2},
		{list, "gs://acme-dota", "", ExitUsage, missing, 2},
		{copyOne, "gs://acme-dota/a", "new", ExitUsage, missing, 3},
		{cat, "gs://acme-data/none", "", ExitUsage, "there is no object gs://acme-data/none", 2},
		{sync, "raw", "gs://forbidden", ExitStep, forbidden, 1},
		{sync, "gs://forbidden", "new", ExitStep, forbidden, 1},
		{copyOne, "raw/a", "gs://forbidden", ExitStep, forbidden, 1},
		{list, "gs://forbidden", "", ExitStep, forbidden, 1},
		{cat, "gs://forbidden/a", "", ExitStep, forbidden, 1},
		{sync, "gs://acme-data/raw", "new", ExitUsage, `"gs://acme-data/raw" has no objects: check the address`, 3},
		{copyOne, "raw/a", "gs://retained/a", ExitStep, "gs://retained: Cloud Storage: Object 'retained/a' is subject to bucket's retention policy", 1},
		{copyOne, "gs://payer/a", "new", ExitStep, "gs://payer is paid for by those who read it (requester pays), which slipway does not do", 1},
		{list, "gs://acme-data/raw*", "", ExitUsage, `"gs://acme-data/raw*" has no objects: there are no wildcards`, 2},
		{copyOne, "gs://acme-data/*", "new", ExitUsage, "there is no object gs://acme-data/*: there are no wildcards", 1},
		{cat, "gs://acme-data/[a]", "", ExitUsage, "there is no object gs://acme-data/[a]: there are no wildcards", 1},
		{copyOne, "gs://acme-data/a", "gs:/acme-data/b", ExitUsage, `"gs:/acme-data/b" is neither a path nor an address such as gs://BUCKET/DIR`, 0},
		{copyOne, "gs://acme-data/a", "-", ExitUsage, `"-" is not a file`, 0},
		{list, "gs://acme-data/raw", "", ExitUsage, `"gs://acme-data/raw" has no objects: check the address`, 3},
		{sync, "gs://acme-data/raw", "gs://acme-data/raw/sub", ExitUsage, "are in one another", 0},
		{create, "gs://googly", "", ExitStep, "Invalid bucket name", 1},
		{create, "gs://Acme", "", ExitUsage, "names no valid bucket", 0},
		{sync, "raw", "gs://acme_data_", ExitUsage, "names no valid bucket", 0},
		{copyOne, "raw/a", "gs://acme-data/" + strings.Repeat("n", 1025), ExitUsage, "has 1025 bytes as a name in the bucket, and Cloud Storage accepts 1024", 0},
		{copyOne, "raw/a", "gs://acme-data/.well-known/acme-challenge/x", ExitUsage, "is a name that Cloud Storage refuses", 0},
	} {
		requests, writes = 0, 0
		err := c.do(c.from, c.to)
		if ExitCode(err) != c.code || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40s %.40s: exit code %d: %v\nwant %d: %s", c.from, c.to, ExitCode(err), err, c.code, c.want)
		} else if strings.Count(err.Error(), c.want) > 1 {
			t.Errorf("%.40s %.40s: said twice: %v", c.from, c.to, err)
		}
		if requests > c.requests || writes > 0 && c.want != "Invalid bucket name" {
			t.Errorf("%.40s %.40s: %d requests, %d of them to write", c.from, c.to, requests, writes)
		}
	}
	taken = true
	if err := create("gs://forbidden", ""); err == nil || !strings.Contains(err.Error(), "gs://forbidden is there already, and you may not read it: it may be somebody else's, so choose another name") {
		t.Errorf("a bucket of somebody else: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("the directory new was made")
	}
}
