package google_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestKinds gets a token of each kind of credentials, and sends a request with it. The tokens
// are told to the learner before they are used.
func TestKinds(t *testing.T) {
	const principal = "principal://iam.googleapis.com/" + pool + "/subject/repo:acme/ml:ref:refs/heads/main"
	const anybody = "principalSet://iam.googleapis.com/" + pool + "/*"
	file := func(t *testing.T, s *googletest.Server, content []byte) google.Options {
		o := s.Options()
		o.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, content)})
		return o
	}
	for _, c := range []struct {
		name    string
		options func(*testing.T, *googletest.Server) google.Options
		// before and after are the members that the identity is before and after the first token.
		before, after string
		requests      int
	}{
		{"key", func(_ *testing.T, s *googletest.Server) google.Options {
			o, _ := withKey(s)
			return o
		}, "serviceAccount:deployer@acme-ml.iam.gserviceaccount.com", "", 1},
		{"key in a file", func(t *testing.T, s *googletest.Server) google.Options {
			return file(t, s, s.NewKey(s.Account("deployer")))
		}, "serviceAccount:deployer@acme-ml.iam.gserviceaccount.com", "", 1},
		{"user", func(t *testing.T, s *googletest.Server) google.Options {
			return file(t, s, s.Login("ada@acme.dev"))
		}, "", "user:ada@acme.dev", 1},
		{"gcloud's file", func(t *testing.T, s *googletest.Server) google.Options {
			home := t.TempDir()
			dir := filepath.Join(home, ".config", "gcloud")
			if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "application_default_credentials.json"), s.Login("ada@acme.dev"), 0o600)); err != nil {
				t.Fatal(err)
			}
			o := s.Options()
			o.Lookup = environment(map[string]string{"HOME": home, "CLOUDSDK_CONFIG": dir})
			return o
		}, "", "user:ada@acme.dev", 1},
		{"impersonation in a file", func(t *testing.T, s *googletest.Server) google.Options {
			account := s.Account("deployer")
			return file(t, s, text(t, map[string]any{
				"type": "impersonated_service_account", "source_credentials": jsonOf(t, s.Login("ada@acme.dev")),
				"service_account_impersonation_url": s.Endpoints().IAMCredentials + "/v1/projects/-/serviceAccounts/" + account + ":generateAccessToken",
			}))
		}, "serviceAccount:deployer@acme-ml.iam.gserviceaccount.com", "", 2},
		{"federation in a file", func(t *testing.T, s *googletest.Server) google.Options {
			s.AddProvider(provider, googletest.Provider{})
			token := s.IDToken(googletest.Job{Repository: "acme/ml"}, "https://iam.googleapis.com/"+provider)
			return file(t, s, text(t, map[string]any{
				"type": "external_account", "audience": "//iam.googleapis.com/" + provider, "token_url": s.Endpoints().STS + "/v1/token",
				"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "credential_source": map[string]any{"file": write(t, []byte(token))},
			}))
		}, anybody, "", 1},
		{"GitHub", func(_ *testing.T, s *googletest.Server) google.Options {
			s.AddProvider(provider, googletest.Provider{})
			return inJob(s, "")
		}, anybody, principal, 2},
		{"GitHub, with impersonation", func(_ *testing.T, s *googletest.Server) google.Options {
			s.AddProvider(provider, googletest.Provider{})
			return inJob(s, s.Account("deployer"))
		}, "serviceAccount:deployer@acme-ml.iam.gserviceaccount.com", "", 3},
		{"GitLab", func(_ *testing.T, s *googletest.Server) google.Options {
			s.AddProvider(provider, googletest.Provider{Audiences: []string{"https://gitlab.com"}})
			o := s.Options()
			o.Federation = &google.Federation{Provider: "//iam.googleapis.com/" + provider, Variable: "GOOGLE_ID_TOKEN"}
			o.Lookup = environment(map[string]string{"GOOGLE_ID_TOKEN": s.IDToken(googletest.Job{Repository: "acme/ml"}, "https://gitlab.com")})
			return o
		}, anybody, principal, 1},
		{"virtual machine", func(_ *testing.T, s *googletest.Server) google.Options {
			s.Machine("vm@acme-ml.iam.gserviceaccount.com")
			o := s.Options()
			o.Lookup = environment(map[string]string{"GCE_METADATA_HOST": "google.test"})
			return o
		}, "serviceAccount:vm@acme-ml.iam.gserviceaccount.com", "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			s := googletest.New(t)
			options := c.options(t, s)
			told := &learner{}
			options.Secrets = told
			found, err := google.Find(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			if got := found.Identity().Member(); got != c.before {
				t.Errorf("before a request, it is %q, want %q", got, c.before)
			}
			if err := clusters(t.Context(), found, s); err != nil {
				t.Fatal(err)
			}
			if c.after == "" {
				c.after = c.before
			}
			if got := found.Identity().Member(); got != c.after {
				t.Errorf("after a request, it is %q, want %q", got, c.after)
			}
			for _, token := range s.Tokens() {
				if !told.has(token) {
					t.Errorf("a token was not told to the learner")
				}
			}
			token, err := found.Token(t.Context())
			if err != nil || token.String() != "***" {
				t.Errorf("the token prints as %s: %v", token, err)
			}
			if got := len(s.Requests()) - 1; got != c.requests {
				t.Errorf("%d requests for a token: %s", got, s.Requests())
			}
			if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
				t.Errorf("left %v in the working directory: %v", files, err)
			}
		})
	}
}

// TestNetwork sends requests over a network, with the transport that callers get by default.
func TestNetwork(t *testing.T) {
	s := googletest.New(t).Listen()
	s.Machine("vm@acme-ml.iam.gserviceaccount.com")
	o, _ := withKey(s)
	o.Transport = nil
	for _, options := range []google.Options{o, {Endpoints: s.Endpoints()}} {
		if err := clusters(t.Context(), find(t, options), s); err != nil {
			t.Error(err)
		}
	}
}

// TestNewSubjectToken asks GitHub for a new OIDC token at each exchange, because they live
// for minutes and a run for hours.
func TestNewSubjectToken(t *testing.T) {
	s := googletest.New(t)
	s.AddProvider(provider, googletest.Provider{})
	found, err := google.Find(t.Context(), inJob(s, ""))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := clusters(t.Context(), found, s); err != nil {
			t.Fatal(err)
		}
		s.Expire()
	}
	if got := strings.Count(strings.Join(s.Requests(), "\n"), "/github/idtoken"); got != 3 {
		t.Errorf("%d OIDC tokens for 3 exchanges", got)
	}
}

// TestNoCredentials says where it searched, and what to do there.
func TestNoCredentials(t *testing.T) {
	s := googletest.New(t)
	for _, c := range []struct {
		name        string
		environment map[string]string
		want        string
	}{
		{"laptop", map[string]string{"HOME": "/nowhere"}, "gcloud auth application-default login"},
		{"GitHub", map[string]string{"GITHUB_ACTIONS": "true"}, "id-token: write"},
		{"GitLab", map[string]string{"GITLAB_CI": "true"}, "id_token"},
		{"not asking the network", map[string]string{"NO_GCE_CHECK": "true"}, "gcloud auth"},
	} {
		options := s.Options()
		options.Lookup, options.Pause = environment(c.environment), atOnce
		_, err := google.Find(t.Context(), options)
		none := new(google.NoCredentialsError)
		if !errors.As(err, &none) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "GOOGLE_APPLICATION_CREDENTIALS is not set") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	s.Machine(googletest.NoAccount)
	if _, err := google.Find(t.Context(), s.Options()); err == nil || !strings.Contains(err.Error(), "no service account") {
		t.Errorf("a machine without an account: %v", err)
	}
}

// TestBadFile names the file and what is wrong with it, and no part of its content.
func TestBadFile(t *testing.T) {
	const canary = "canary-5f1c"
	s := googletest.New(t)
	for _, c := range []struct{ content, want string }{
		{"", "is empty"},
		{canary, "is not JSON"},
		{`{"type": "` + canary, "not valid JSON"},
		{`{"type": ["` + canary + `"]}`, "another type"},
		{`{"type": "` + canary + `"}`, "is none of"},
		{`{"refresh_token": "` + canary + `"}`, "is none of"},
		{`{"installed": {"client_secret": "` + canary + `"}}`, "client secret"},
		{`{"type": "service_account", "client_email": "a@b.c", "private_key": "` + canary + `"}`, "has no private_key_id"},
	} {
		path := write(t, []byte(c.content))
		options := s.Options()
		options.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": path})
		_, err := google.Find(t.Context(), options)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", c.content, err)
		}
	}
	key := string(s.NewKey(s.Account("deployer")))
	for path, want := range map[string]string{t.TempDir(): "is a directory", "/nowhere/key.json": "no such file", key: "has the content of a file, and not its path"} {
		options := s.Options()
		options.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": path})
		if _, err := google.Find(t.Context(), options); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "GOOGLE_APPLICATION_CREDENTIALS") || strings.Contains(err.Error(), "PRIVATE KEY") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestBadFederation names the part of the configuration that is wrong.
func TestBadFederation(t *testing.T) {
	for _, c := range []struct {
		federation google.Federation
		want       string
	}{
		{google.Federation{Provider: "github"}, "not of the form"},
		{google.Federation{Provider: pool}, "a workload identity pool, and not a provider"},
		{google.Federation{Provider: strings.Replace(provider, googletest.ProjectNumber, "acme-ml", 1)}, "the project's number"},
		{google.Federation{Provider: provider, ServiceAccount: "deployer"}, "not the address of a service account"},
	} {
		_, err := google.Find(t.Context(), google.Options{Federation: &c.federation})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.federation, err)
		}
	}
}
