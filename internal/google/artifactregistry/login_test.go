package artifactregistry_test

import (
	"errors"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/secret"
)

// TestServes knows Google's registries from other hosts.
func TestServes(t *testing.T) {
	for host, ours := range map[string]bool{
		"europe-west4-docker.pkg.dev": true, "gcr.io": true, "asia.gcr.io": true,
		"ghcr.io": false, "pkg.dev.attacker.test": false, "europe-python.pkg.dev": false, "notgcr.io": false, "index.docker.io": false,
	} {
		if artifactregistry.Serves(host) != ours {
			t.Errorf("%s is Google's: %t", host, !ours)
		}
	}
}

// TestLogin logs in with an access token, and with a new one when that has expired.
func TestLogin(t *testing.T) {
	s := googletest.New(t)
	options := s.Options()
	account := s.Account("deployer")
	options.Key = secret.NewValue(s.NewKey(account))
	found, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	login, err := artifactregistry.Login(t.Context(), found)
	if err != nil {
		t.Fatal(err)
	}
	if sent, err := authn.Authorization(t.Context(), login); err != nil || sent.Username != "oauth2accesstoken" || sent.Password != s.Tokens()[0] {
		t.Errorf("%v", err)
	}
	s.DeleteAccount(account)
	fresh, err := google.Find(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := artifactregistry.Login(t.Context(), fresh); !errors.As(err, new(*google.TokenError)) {
		t.Errorf("with a deleted account: %v", err)
	}
}
