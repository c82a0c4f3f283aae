package project_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// open opens a project on a machine whose requests reach a Google Cloud.
func open(t *testing.T, cloud *googletest.Server, text string, environment map[string]string) (*project.Project, *secret.Masker) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "slipway.yaml"), []byte("project: p\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	masker := secret.NewMasker()
	p, err := project.Open(t.Context(), &project.Env{
		Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Now: time.Now, Secrets: masker, Transport: cloud.World(http.DefaultTransport),
		Lookup: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, masker
}

const provider = "projects/" + googletest.ProjectNumber + "/locations/global/workloadIdentityPools/ci/providers/github"

// TestGoogle gets a token with each kind of credentials, and masks it.
func TestGoogle(t *testing.T) {
	cloud := googletest.New(t)
	account := cloud.Account("deployer")
	key := string(cloud.NewKey(account))
	cloud.AddProvider(provider, googletest.Provider{})
	inJob := cloud.Run(googletest.Job{Repository: "acme/ml"})
	login := filepath.Join(t.TempDir(), "login.json")
	if err := os.WriteFile(login, cloud.Login("ada@acme.dev"), 0o600); err != nil {
		t.Fatal(err)
	}
	gitLab := map[string]string{"TOKEN": cloud.IDToken(googletest.Job{Repository: "acme/ml"}, "https://iam.googleapis.com/"+provider)}
	for name, c := range map[string]struct {
		text        string
		environment map[string]string
		who         string
	}{
		"key":         {"google: {credentials: env:KEY}\n", map[string]string{"KEY": key}, "service account " + account},
		"GitHub":      {"google: {workload-identity-provider: " + provider + "}\n", inJob, "principal://iam.googleapis.com/"},
		"GitHub, as":  {"google: {workload-identity-provider: " + provider + ", service-account: " + account + "}\n", inJob, "service account " + account + ", impersonated by principal://"},
		"GitLab":      {"google: {workload-identity-provider: " + provider + ", id-token: env:TOKEN}\n", gitLab, "principal://iam.googleapis.com/"},
		"the machine": {"", map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": login}, "user ada@acme.dev"},
	} {
		t.Run(name, func(t *testing.T) {
			p, masker := open(t, cloud, c.text, c.environment)
			found, err := p.Google(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			token, err := found.Token(t.Context())
			if err != nil || !strings.HasPrefix(found.Identity().String(), c.who) {
				t.Errorf("%s: %v", found.Identity(), err)
			}
			if shown := masker.Mask(string(token.Reveal())); shown != "***" {
				t.Errorf("the token is shown as %s", shown)
			}
			if again, err := p.Google(t.Context()); err != nil || again != found {
				t.Errorf("%v, %v", again, err)
			}
			for _, value := range c.environment {
				if shown := masker.Mask(value); len(value) > 30 && strings.Contains(shown, value) && !strings.HasPrefix(value, "http") && !strings.HasPrefix(value, os.TempDir()) {
					t.Errorf("the credentials are shown as %s", shown)
				}
			}
		})
	}
}

// TestNoGoogle checks the errors for credentials that cannot be used, and that nothing is
// asked of anybody before credentials are needed.
func TestNoGoogle(t *testing.T) {
	for name, c := range map[string]struct{ text, key, want string }{
		"not set":   {"google: {credentials: env:OTHER}\n", "", "slipway.yaml:2:23: the environment variable OTHER is not set"},
		"not JSON":  {"google: {credentials: env:KEY}\n", "hunter2-hunter2", "slipway.yaml:2:23: env:KEY is not JSON: "},
		"a user's":  {"google: {credentials: env:KEY}\n", `{"type": "authorized_user"}`, "slipway.yaml:2:23: env:KEY has a user's credentials"},
		"truncated": {"google: {credentials: env:KEY}\n", `{"type": "service_account", "client_e`, "slipway.yaml:2:23: env:KEY is not valid JSON (at byte "},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := googletest.New(t)
			p, _ := open(t, cloud, c.text, map[string]string{"KEY": c.key})
			_, err := p.Google(t.Context())
			if located := new(source.Error); !errors.As(err, &located) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
			if asked := cloud.Requests(); len(asked) > 0 {
				t.Errorf("requests %v", asked)
			}
		})
	}
	cloud := googletest.New(t)
	p, _ := open(t, cloud, "registry: registry.example/team\n", nil)
	if asked := cloud.Requests(); len(asked) > 0 {
		t.Errorf("opening the project sends %v", asked)
	}
	none := new(google.NoCredentialsError)
	if _, err := p.Google(t.Context()); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
}
