package artifactregistry_test

import (
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// TestKeychain gives Google's registries a token, and no other host.
func TestKeychain(t *testing.T) {
	s := googletest.New(t)
	options := s.Options()
	account := s.Account("deployer")
	options.Key = secret.NewValue(s.NewKey(account))
	found, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	keychain := artifactregistry.Keychain{Credentials: found}
	for host, ours := range map[string]bool{
		"europe-west4-docker.pkg.dev": true, "gcr.io": true, "asia.gcr.io": true,
		"ghcr.io": false, "pkg.dev.attacker.test": false, "notgcr.io": false, "index.docker.io": false,
	} {
		registry, err := name.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		got, err := authn.Resolve(t.Context(), keychain, registry)
		if err != nil || (got != authn.Anonymous) != ours || (len(keychain.Tried(host)) > 0) != ours {
			t.Errorf("%s: %v, %v", host, got, err)
			continue
		}
		if !ours {
			continue
		}
		login, err := authn.Authorization(t.Context(), got)
		if err != nil || login.Username != "oauth2accesstoken" || login.Password != s.Tokens()[0] {
			t.Errorf("%s: %v", host, err)
		}
	}
	s.DeleteAccount(account)
	s.Expire()
	fresh, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	registry, _ := name.NewRegistry("gcr.io")
	got, _ := artifactregistry.Keychain{Credentials: fresh}.Resolve(registry)
	if _, err := got.Authorization(); !errors.As(err, new(*google.TokenError)) {
		t.Errorf("with a deleted account: %v", err)
	}
}
