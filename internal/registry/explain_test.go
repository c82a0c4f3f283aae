package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/slipway-ci/slipway/internal/registry/registrytest"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// Each refusal states its cause and what the user can do.
func TestErrorsSayWhatToDo(t *testing.T) {
	s := newSample(t)
	s.artifacts = []Artifact{{Type: "application/spdx+json", Document: []byte("{}")}}
	for what, c := range map[string]struct {
		path, body string
		code       int
		want, not  string
	}{
		"quota":    {"/blobs/uploads/", `{"errors":[{"code":"DENIED","message":"adding 1.2 GiB of storage resource would exceed the project quota"}]}`, 403, "storage quota exceeded", "log in"},
		"rate":     {"/blobs/uploads/", `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`, 429, "exceeded (429 Too Many Requests)", ""},
		"size":     {"/blobs/uploads/", "<html><head><title>413 Request Entity Too Large</title></head></html>", 413, "client_max_body_size", "<html"},
		"artifact": {"/manifests/sha256:", `{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}`, 400, "use --no-attestations", ""},
		"page":     {"/blobs/uploads/", "<!DOCTYPE html><p>gateway", 400, "is a web page", "<p>"},
	} {
		f := &registrytest.Faults{Next: registrytest.InMemory(), Intercept: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || !strings.Contains(r.URL.Path, c.path) {
				return false
			}
			w.WriteHeader(c.code)
			_, _ = w.Write([]byte(c.body))
			return true
		}}
		_, err := s.push(t.Context(), serve(t, f), "train", "v1")
		if err == nil || !strings.Contains(err.Error(), c.want) || c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := plain(x509.UnknownAuthorityError{}); !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Error(err)
	}
}

func TestBadCredentials(t *testing.T) {
	for code, want := range map[int]string{http.StatusUnauthorized: "(401 Unauthorized): log in with `docker login 127.0.0.1:", http.StatusForbidden: "permission denied"} {
		r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(code)
		}))
		r.Keychain = fixedKeychain{}
		_, err := newSample(t).push(t.Context(), r, "train", "v1")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "train") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%d: %v", code, err)
		}
	}
}

type fixedKeychain struct{}

func (fixedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "me", Password: "s3cret-canary"}, nil
}

// A registry that accepts the connection but never responds is an error after one attempt.
func TestSilentRegistry(t *testing.T) {
	over := make(chan struct{})
	r := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer close(over)
	r.limits = timeouts.Limits{Response: 50 * time.Millisecond, Chunk: time.Minute, Pace: 1}
	r.Pause = func(context.Context, time.Duration) error { return errors.New("it is tried again") }
	_, err := newSample(t).push(t.Context(), r, "train", "v1")
	if silent := new(timeouts.Error); !errors.As(err, &silent) || !strings.Contains(err.Error(), "did not respond within 50ms") || !strings.Contains(err.Error(), "acme/ml/train") {
		t.Errorf("%v", err)
	}
}
