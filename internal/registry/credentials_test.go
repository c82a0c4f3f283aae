package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

type keychainFunc func(authn.Resource) (authn.Authenticator, error)

func (f keychainFunc) Resolve(r authn.Resource) (authn.Authenticator, error) { return f(r) }

func TestCredentialsInOrder(t *testing.T) {
	docker, adc, cli := authn.FromConfig(authn.AuthConfig{Username: "docker"}), authn.FromConfig(authn.AuthConfig{Username: "adc"}), authn.FromConfig(authn.AuthConfig{Username: "gcloud"})
	gives := func(a authn.Authenticator, err error) func(context.Context) (authn.Authenticator, error) {
		return func(context.Context) (authn.Authenticator, error) { return a, err }
	}
	hangs := func(ctx context.Context) (authn.Authenticator, error) { <-ctx.Done(); return nil, ctx.Err() }
	none := errors.New("could not find default credentials.\nSee the documentation")
	for what, c := range map[string]struct {
		host           string
		docker         authn.Authenticator
		dockerErr      error
		google, gcloud func(context.Context) (authn.Authenticator, error)
		want           authn.Authenticator
		tried          string
	}{
		"docker first":        {"gcr.io", docker, nil, gives(adc, nil), gives(cli, nil), docker, "Docker's configuration: it has credentials for gcr.io"},
		"a broken helper":     {"gcr.io", nil, errors.New("helper broke"), gives(adc, nil), gives(cli, nil), adc, "Docker's configuration: helper broke|Google's credentials: credentials found"},
		"default credentials": {"asia-docker.pkg.dev", authn.Anonymous, nil, gives(adc, nil), gives(cli, nil), adc, "Docker's configuration: no credentials for asia-docker.pkg.dev|Google's credentials: credentials found"},
		"gcloud last":         {"eu.gcr.io", authn.Anonymous, nil, gives(nil, none), gives(cli, nil), cli, "Docker's configuration: no credentials for eu.gcr.io|Google's credentials: could not find default credentials.|gcloud: credentials found"},
		"nobody":              {"gcr.io", authn.Anonymous, nil, gives(nil, none), gives(authn.Anonymous, nil), authn.Anonymous, "Docker's configuration: no credentials for gcr.io|Google's credentials: could not find default credentials.|gcloud: not found|anonymous access"},
		"a silent server":     {"gcr.io", authn.Anonymous, nil, hangs, gives(cli, nil), cli, "Docker's configuration: no credentials for gcr.io|Google's credentials: timed out (10ms)|gcloud: credentials found"},
		"not Google's":        {"registry.example.com", authn.Anonymous, nil, gives(adc, nil), gives(cli, nil), authn.Anonymous, "Docker's configuration: no credentials for registry.example.com|anonymous access"},
		"looks like Google's": {"gcr.io.example.com", authn.Anonymous, nil, gives(adc, nil), gives(cli, nil), authn.Anonymous, "Docker's configuration: no credentials for gcr.io.example.com|anonymous access"},
	} {
		t.Run(what, func(t *testing.T) {
			asked := 0
			credentials := NewCredentials(nil)
			credentials.timeout = 10 * time.Millisecond
			credentials.docker = keychainFunc(func(authn.Resource) (authn.Authenticator, error) { asked++; return c.docker, c.dockerErr })
			credentials.google, credentials.gcloud = c.google, c.gcloud
			host, err := name.NewRegistry(c.host)
			must(t, err)
			for range 2 {
				got, err := credentials.ResolveContext(t.Context(), host)
				if err != nil || got != c.want {
					t.Errorf("got %v, %v", got, err)
				}
			}
			if got := strings.Join(credentials.Tried(c.host), "|"); got != c.tried {
				t.Errorf("tried %s", got)
			}
			if asked != 1 {
				t.Errorf("Docker's configuration was asked %d times", asked)
			}
		})
	}
}

// The error for a refused request names the credentials that were tried.
func TestDeniedAccessListsTriedCredentials(t *testing.T) {
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	credentials := NewCredentials(nil)
	credentials.docker = keychainFunc(func(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil })
	r.Keychain = credentials
	_, err := newSample(t).push(t.Context(), r, "train")
	if err == nil || !strings.Contains(err.Error(), "tried: Docker's configuration: no credentials for 127.0.0.1:") || !strings.Contains(err.Error(), "anonymous access") {
		t.Errorf("%v", err)
	}
}

// A credential helper that hangs is given up after a timeout, and the error says so.
func TestSilentCredentialHelper(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	c := NewCredentials(nil)
	c.docker, c.timeout = hangingKeychain{over}, 20*time.Millisecond
	repository, err := (&Client{Prefix: "registry.example.com"}).Reference("x")
	must(t, err)
	auth, err := c.ResolveContext(t.Context(), repository)
	if err != nil || auth != authn.Anonymous || !strings.Contains(strings.Join(c.Tried(repository.RegistryStr()), ";"), "credential helper timed out") {
		t.Errorf("%v, %v, %q", auth, err, c.Tried(repository.RegistryStr()))
	}
}

type hangingKeychain struct{ over chan struct{} }

func (h hangingKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	<-h.over
	return authn.Anonymous, nil
}
