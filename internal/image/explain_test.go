package image

import (
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A refusal says what its cause is, and the one thing to do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	made, err := Prepare(t.Context(), filesSpec(files{"a": "1"}.write(t), "a"), nil)
	must(t, err)
	for what, c := range map[string]struct {
		path, body string
		code       int
		want, not  string
	}{
		"quota":    {"/blobs/uploads/", `{"errors":[{"code":"DENIED","message":"adding 1.2 GiB of storage resource would exceed the project quota"}]}`, 403, "has no room left", "log in"},
		"rate":     {"/blobs/uploads/", `{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}`, 429, "limits how much is asked of it (429 Too Many Requests)", ""},
		"size":     {"/blobs/uploads/", "<html><head><title>413 Request Entity Too Large</title></head></html>", 413, "client_max_body_size", "<html"},
		"artifact": {"/manifests/sha256:", `{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}`, 400, "--no-attestations leaves them out", ""},
		"page":     {"/blobs/uploads/", "<!DOCTYPE html><p>gateway", 400, "with a web page", "<p>"},
	} {
		f := &faults{next: inMemory(), act: func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet || r.Method == http.MethodHead || !strings.Contains(r.URL.Path, c.path) {
				return false
			}
			w.WriteHeader(c.code)
			_, _ = w.Write([]byte(c.body))
			return true
		}}
		recipe := *made
		recipe.ledger = openLedger(t.TempDir())
		recipe.Attest = func(Subject) ([]Attestation, error) {
			return []Attestation{{Type: "application/spdx+json", Document: []byte("{}")}}, nil
		}
		_, err := serve(t, f).Push(t.Context(), &recipe, []string{"v1"}, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := plain(x509.UnknownAuthorityError{}); !strings.Contains(err.Error(), "SSL_CERT_FILE") {
		t.Error(err)
	}
}

// An index whose images have no platforms cannot be chosen from.
func TestIndexWithoutPlatforms(t *testing.T) {
	r := memory(t)
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: baseImage(t, v1.Platform{OS: "linux", Architecture: "amd64"})})
	s := filesSpec(files{"a": "1"}.write(t), "a")
	s.Base = put(t, r, "bases/odd", func(ref name.Reference) error { return remote.WriteIndex(ref, index, r.options(t.Context())...) })
	wantSourceError(t, refused(t, s, r), "does not say which of its images is for which platform")
}

// A base on a registry that limits what is asked says so.
func TestBaseOfABusyRegistry(t *testing.T) {
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.Header().Set("Retry-After", "21600")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	s := filesSpec(files{"a": "1"}.write(t), "a")
	s.Base = strings.SplitN(r.Prefix, "/", 2)[0] + "/library/python:3.12"
	_, err := Prepare(t.Context(), s, r)
	if err == nil || !strings.Contains(err.Error(), "limits how much is asked of it") || !strings.Contains(err.Error(), "6h0m0s") || !strings.Contains(err.Error(), "mirror") {
		t.Error(err)
	}
}

// A credential helper that hangs is not waited for, and is told.
func TestSilentCredentialHelper(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	c := NewCredentials()
	c.docker, c.patience = hangs{over}, 20*time.Millisecond
	repository, err := at127("").Reference("x")
	if err != nil {
		repository, err = (&Registry{Prefix: "registry.example.com"}).Reference("x")
	}
	must(t, err)
	auth, err := c.ResolveContext(t.Context(), repository)
	if err != nil || auth != authn.Anonymous || !strings.Contains(strings.Join(c.Tried(repository.RegistryStr()), ";"), "credential helper gives no answer in time") {
		t.Errorf("%v, %v, %q", auth, err, c.Tried(repository.RegistryStr()))
	}
}

type hangs struct{ over chan struct{} }

func (h hangs) Resolve(authn.Resource) (authn.Authenticator, error) {
	<-h.over
	return authn.Anonymous, nil
}

// A virtual environment in the tree is told as what it is.
func TestVirtualEnvironmentInTheTree(t *testing.T) {
	s := filesSpec(files{"a.py": "1", ".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/bin/python": "->/usr/bin/python3"}.write(t), ".")
	wantSourceError(t, refused(t, s, memory(t)), ".venv is a virtual environment, which works on this machine only")
}
