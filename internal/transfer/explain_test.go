package transfer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
)

// TestExplain names a role only where a permission is missing: another refusal is not mended by one.
func TestExplain(t *testing.T) {
	const role = "no access to gs://data: have the role roles/storage.objectUser granted on it"
	b := serve(t)
	for name, test := range map[string]struct {
		code            int
		reason, message string
		want            string
	}{
		"a permission":     {403, "forbidden", "ada@acme.dev does not have storage.objects.list access to the Google Cloud Storage bucket.", role},
		"no explanation":   {403, "", "", role},
		"a policy":         {403, "forbidden", "Request is prohibited by organization's policy.", "gs://data: Cloud Storage: Request is prohibited by"},
		"the billing":      {403, "accountDisabled", "The billing account for the owning project is disabled.", "gs://data: Cloud Storage: The billing account"},
		"a scope":          {403, "forbidden", "Provided scope(s) are not authorized", "gs://data: the access token lacks a scope: give the virtual machine"},
		"scopes, of a key": {403, "insufficientPermissions", "Insufficient Permission", "gs://data: the access token lacks a scope: give the virtual machine"},
		"the token":        {401, "authError", "Invalid Credentials", "gs://data: the access token is rejected"},
		"a limit":          {429, "rateLimitExceeded", "The rate of change is too high.", "gs://data: Cloud Storage: The rate"},
	} {
		err := transfer.Explain(t.Context(), b.Client, &storage.Error{Code: test.code, Reason: test.reason, Message: test.message}, place(t, "gs://data/x"))
		if !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "role") != (test.want == role) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// TestNearNames names the bucket or the object that was probably meant by one that is not there, with each way to ask
// for it. An account that may not list buckets is told of the one that it named.
func TestNearNames(t *testing.T) { checkNearNames(t, serve(t)) }

// TestNearNamesWithFake does the same with fake-gcs-server.
func TestNearNamesWithFake(t *testing.T) { checkNearNames(t, connectFake(t)) }

func checkNearNames(t *testing.T, b *buckets) {
	t.Helper()
	const bucket = "there is no bucket gs://dtaa: did you mean gs://data? If not, create it with `slipway data mb gs://dtaa`"
	put(t, b, "raw/labels.csv", "a,b")
	dir := t.TempDir()
	sync := func(from, to string) error { _, err := b.sync(t, from, to, t.TempDir(), nil); return err }
	copyOne := func(from, to string) error {
		_, err := transfer.Copy(t.Context(), transfer.Options{Client: b.Client, From: place(t, from), To: place(t, to), CacheDir: t.TempDir()})
		return err
	}
	cat := func(from, _ string) error {
		return transfer.Cat(t.Context(), b.Client, place(t, from), &strings.Builder{})
	}
	list := func(from, _ string) error {
		for _, err := range transfer.List(t.Context(), b.Client, place(t, from), false) {
			return err
		}
		return nil
	}
	for name, test := range map[string]struct {
		do             func(from, to string) error
		from, to, want string
	}{
		"a source":             {sync, "gs://dtaa", dir, bucket},
		"a directory in it":    {sync, "gs://dtaa/raw", dir, bucket},
		"a target":             {sync, dir, "gs://dtaa/raw", bucket},
		"a list":               {list, "gs://dtaa", "", bucket},
		"an object in it":      {cat, "gs://dtaa/raw/labels.csv", "", bucket},
		"an object to copy":    {copyOne, "gs://dtaa/raw/labels.csv", dir, bucket},
		"nothing like it":      {list, "gs://unlike-any", "", "there is no bucket gs://unlike-any: create it"},
		"an object's name":     {cat, "gs://data/raw/lables.csv", "", "there is no object gs://data/raw/lables.csv; did you mean gs://data/raw/labels.csv?"},
		"its directory's name": {copyOne, "gs://data/rwa/labels.csv", dir, "there is no object gs://data/rwa/labels.csv; did you mean gs://data/raw/?"},
		"only a directory":     {copyOne, "gs://data/raw", dir, "there is no object gs://data/raw, only a directory: `slipway data ls` lists it"},
		"no object like it":    {cat, "gs://data/raw/unlike-any", "", "there is no object gs://data/raw/unlike-any: Cloud Storage"},
	} {
		if err := test.do(test.from, test.to); err == nil || !strings.Contains(err.Error(), test.want) || !storage.Is(err, 404) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	b.fault = func(_ int64, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/b") {
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		}
		return next.RoundTrip(r)
	}
	if err := list("gs://dtaa", ""); err == nil || !strings.Contains(err.Error(), "there is no bucket gs://dtaa: create it") {
		t.Errorf("without the right to list buckets: %v", err)
	}
}
