package secretmanager_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/google/secretmanager"
	"github.com/slipway-ci/slipway/internal/secret"
)

const canary = "canary-d41d8cd98f"

// newReader returns a reader of the secrets of a cloud.
func newReader(t *testing.T, s *googletest.Server) *secretmanager.Reader {
	t.Helper()
	options := s.Options()
	options.Key = secret.NewValue(s.NewKey(s.Account("deployer")))
	options.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	found, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return &secretmanager.Reader{Credentials: found, Secrets: secret.NewMasker()}
}

// TestRead reads the latest version and pinned ones, and masks them.
func TestRead(t *testing.T) {
	s := googletest.New(t)
	s.AddSecret("db", &googletest.Version{Value: []byte("first")}, &googletest.Version{Value: []byte(canary + "\n\x00"), Damaged: 1})
	s.AddSecret("large", &googletest.Version{Value: []byte(strings.Repeat("x", 64<<10))})
	r := newReader(t, s)
	for name, want := range map[string]string{
		"projects/acme-ml/secrets/db":                                     canary + "\n\x00", // damaged at first
		"projects/acme-ml/secrets/db/versions/latest":                     canary + "\n\x00",
		"projects/" + googletest.ProjectNumber + "/secrets/db/versions/1": "first",
		"projects/acme-ml/secrets/large":                                  strings.Repeat("x", 64<<10),
	} {
		value, err := r.Read(t.Context(), name)
		if err != nil || string(value.Reveal()) != want {
			t.Errorf("%s: %q, %v", name, value.Reveal(), err)
		}
		if text := fmt.Sprint(value); text != "***" {
			t.Errorf("%s prints as %s", name, text)
		}
	}
	if masker, _ := r.Secrets.(*secret.Masker); strings.Contains(masker.Mask("the password is "+canary), canary) {
		t.Error("a value that was read is not masked")
	}
}

// TestErrors refuses to read a secret for each documented reason. No error has the value.
func TestErrors(t *testing.T) {
	value := []byte(canary)
	for _, c := range []struct {
		name   string
		spoil  func(*googletest.Server)
		read   string
		target any
		want   string
	}{
		{"disabled", nil, "projects/acme-ml/secrets/db/versions/1", new(*secretmanager.StateError), "version 1 of the secret projects/acme-ml/secrets/db is disabled: enable it"},
		{"destroyed latest", nil, "projects/acme-ml/secrets/db", new(*secretmanager.StateError), "version 2 of the secret projects/acme-ml/secrets/db, which is its latest one, is destroyed"},
		{"a typo", nil, "projects/acme-ml/secrets/bd", new(*secretmanager.NotFoundError), "did you mean db?"},
		{"a typo, not allowed to list", func(s *googletest.Server) { s.Deny("secretmanager.secrets.list") }, "projects/acme-ml/secrets/bd", new(*secretmanager.NotFoundError), "there is no secret bd in project acme-ml"},
		{"no such version", nil, "projects/acme-ml/secrets/db/versions/9", new(*secretmanager.NotFoundError), "has no version 9"},
		{"no version", nil, "projects/acme-ml/secrets/new", new(*secretmanager.NotFoundError), "has no version yet"},
		{"denied", func(s *googletest.Server) { s.Deny("secretmanager.versions.access") }, "projects/acme-ml/secrets/db", new(*google.PermissionError),
			"lacks the permission secretmanager.versions.access on projects/acme-ml/secrets/db/versions/latest, or it does not exist: grant roles/secretmanager.secretAccessor to serviceAccount:deployer@"},
		{"another project", nil, "projects/other/secrets/db", new(*google.PermissionError), "secretmanager.versions.access on projects/other/"},
		{"API disabled", func(s *googletest.Server) { s.Disable("secretmanager.googleapis.com") }, "projects/acme-ml/secrets/db", new(*google.DisabledError), "secretmanager.googleapis.com is not enabled"},
		{"damaged twice", func(s *googletest.Server) { s.AddSecret("db", &googletest.Version{Value: value, Damaged: 2}) }, "projects/acme-ml/secrets/db", new(*secretmanager.ChecksumError), "CRC32C"},
		{"no checksum", func(s *googletest.Server) {
			s.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusOK, Body: `{"payload": {"data": "Y2FuYXJ5LWQ0MWQ4Y2Q5OGY="}}`})
		}, "projects/acme-ml/secrets/db", new(*secretmanager.ChecksumError), "arrived damaged"},
		{"too large", func(s *googletest.Server) {
			s.AddSecret("db", &googletest.Version{Value: []byte(canary + strings.Repeat("x", 64<<10))})
		}, "projects/acme-ml/secrets/db", nil, "larger than 64 KiB"},
		{"empty", func(s *googletest.Server) { s.AddSecret("db", &googletest.Version{}) }, "projects/acme-ml/secrets/db", nil, "is empty"},
		{"not JSON", func(s *googletest.Server) {
			s.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusOK, Body: canary})
		}, "projects/acme-ml/secrets/db", nil, "not the JSON"},
		{"quota", func(s *googletest.Server) {
			s.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusTooManyRequests, RetryAfter: "30"})
		}, "projects/acme-ml/secrets/db", new(*google.QuotaError), "try again in 30s"},
		{"a bad region", nil, "projects/acme-ml/locations/evil.example/secrets/db", nil, "does not name a secret"},
		{"a bad name", nil, "projects/acme-ml/secrets/db/versions/../x", nil, "does not name a secret"},
		{"another bad name", nil, "projects/acme-ml/secrets/", nil, "does not name a secret"},
	} {
		s := googletest.New(t)
		s.AddSecret("db", &googletest.Version{Value: value, State: "DISABLED"}, &googletest.Version{Value: value, State: "DESTROYED"})
		s.AddSecret("new")
		if c.spoil != nil {
			c.spoil(s)
		}
		got, err := newReader(t, s).Read(t.Context(), c.read)
		switch {
		case err == nil || got.Len() > 0 || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v", c.name, err)
		case c.target != nil && !errors.As(err, c.target):
			t.Errorf("%s: %T, want %T", c.name, err, c.target)
		case strings.Contains(err.Error(), canary):
			t.Errorf("%s: the error has the value: %v", c.name, err)
		}
	}
}

// TestBusy waits for a busy service as long as it asks.
func TestBusy(t *testing.T) {
	s := googletest.New(t)
	s.AddSecret("db", &googletest.Version{Value: []byte("value")})
	s.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusTooManyRequests, RetryAfter: "2", Times: 2})
	s.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusServiceUnavailable, Times: 1})
	if _, err := newReader(t, s).Read(t.Context(), "projects/acme-ml/secrets/db"); err != nil {
		t.Error(err)
	}
}

// TestRegional reads regional secrets, which are only at the endpoints of their regions.
func TestRegional(t *testing.T) {
	s := googletest.New(t)
	s.AddSecret("db", &googletest.Version{Value: []byte("of the world")})
	s.AddSecret("europe-west4/db", &googletest.Version{Value: []byte("of Europe")}, &googletest.Version{State: "DISABLED"})
	options := s.Options()
	options.Transport = s.World(http.DefaultTransport)
	options.Endpoints = google.Public()
	options.Key = secret.NewValue(s.NewKey(s.Account("deployer")))
	found, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	r := &secretmanager.Reader{Credentials: found}
	for name, want := range map[string]string{
		"projects/acme-ml/secrets/db/versions/1":                        "of the world",
		"projects/acme-ml/locations/europe-west4/secrets/db/versions/1": "of Europe",
	} {
		if value, err := r.Read(t.Context(), name); err != nil || string(value.Reveal()) != want {
			t.Errorf("%s: %q, %v", name, value.Reveal(), err)
		}
	}
	for name, want := range map[string]string{
		"projects/acme-ml/locations/europe-west4/secrets/bd": "there is no secret bd in region europe-west4 of project acme-ml: did you mean db?",
		"projects/acme-ml/locations/us-east1/secrets/db":     "there is no secret db in region us-east1 of project acme-ml",
		"projects/acme-ml/locations/europe-west4/secrets/db": "version 2 of the secret projects/acme-ml/locations/europe-west4/secrets/db, which is its latest one, is disabled",
	} {
		if _, err := r.Read(t.Context(), name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManySecrets suggests a secret that is not on the first page, and stops where pages do not end.
func TestManySecrets(t *testing.T) {
	s := googletest.New(t)
	for i := range 2500 {
		s.AddSecret(fmt.Sprintf("a%04d", i))
	}
	s.AddSecret("password", &googletest.Version{Value: []byte("value")})
	for name, want := range map[string]string{"pasword": "did you mean password?", "a2400": "has no version yet"} {
		if _, err := newReader(t, s).Read(t.Context(), "projects/acme-ml/secrets/"+name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	endless := googletest.New(t)
	endless.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusNotFound, Body: `{"error": {"code": 404, "status": "NOT_FOUND"}}`, Times: 1})
	endless.Fail(googletest.Fault{Service: "secretmanager", Code: http.StatusOK, Body: `{"secrets": [{"name": "projects/1/secrets/x"}], "nextPageToken": "again"}`})
	if _, err := newReader(t, endless).Read(t.Context(), "projects/acme-ml/secrets/password"); !errors.As(err, new(*secretmanager.NotFoundError)) {
		t.Errorf("pages without end: %v", err)
	}
}
