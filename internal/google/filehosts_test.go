package google_test

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestHostsOfFiles checks where tokens may go that a file with credentials asks for. Nothing is
// sent for a file that leads elsewhere.
func TestHostsOfFiles(t *testing.T) {
	s := googletest.New(t)
	user := jsonOf(t, s.Login("ada@acme.dev"))
	federated := map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/" + provider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": "https://sts.googleapis.com/v1/token", "credential_source": map[string]any{"file": write(t, []byte("subject"))},
	}
	workforce := map[string]any{
		"type": "external_account_authorized_user", "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/q",
		"client_id": "a", "client_secret": "b", "refresh_token": "c", "token_url": "https://sts.googleapis.com/v1/oauthtoken",
	}
	acting := map[string]any{
		"type": "impersonated_service_account", "source_credentials": user,
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/d@acme-ml.iam.gserviceaccount.com:generateAccessToken",
	}
	with := func(file map[string]any, key string, value any) map[string]any {
		copied := maps.Clone(file)
		copied[key] = value
		return copied
	}
	const at = "/v1/projects/-/serviceAccounts/d@acme-ml.iam.gserviceaccount.com:generateAccessToken"
	for name, c := range map[string]struct {
		file map[string]any
		key  string // "" if the file may be used
	}{
		"Google's":                   {federated, ""},
		"a region's":                 {with(federated, "token_url", "https://sts.us-east1.rep.googleapis.com/v1/token"), ""},
		"Private Service Connect":    {with(federated, "service_account_impersonation_url", "https://iamcredentials-ci.p.googleapis.com"+at), ""},
		"this machine":               {with(federated, "token_url", "http://127.0.0.1:8080/token"), ""},
		"another host":               {with(federated, "token_url", "https://evil.example/v1/token"), "token_url"},
		"a name that begins alike":   {with(federated, "token_url", "https://sts.googleapis.com.evil.example/v1/token"), "token_url"},
		"a name that ends alike":     {with(federated, "token_url", "https://evilgoogleapis.com/v1/token"), "token_url"},
		"a user in the address":      {with(federated, "token_url", "https://sts.googleapis.com@evil.example/"), "token_url"},
		"no TLS":                     {with(federated, "token_url", "http://sts.googleapis.com/v1/token"), "token_url"},
		"an internal address":        {with(federated, "token_url", "http://169.254.169.254/token"), "token_url"},
		"to impersonate":             {with(federated, "service_account_impersonation_url", "https://evil.example"+at), "service_account_impersonation_url"},
		"another universe":           {with(federated, "universe_domain", "evil.example"), "universe_domain"},
		"to see the token":           {with(federated, "token_info_url", "https://evil.example/"), "token_info_url"},
		"a user's":                   {user, ""},
		"a user's, elsewhere":        {with(user, "token_uri", "https://evil.example/token"), "token_uri"},
		"a workforce's":              {workforce, ""},
		"a workforce's, elsewhere":   {with(workforce, "token_url", "https://evil.example/token"), "token_url"},
		"acting":                     {acting, ""},
		"acting elsewhere":           {with(acting, "service_account_impersonation_url", "https://evil.example"+at), "service_account_impersonation_url"},
		"acting by another's source": {with(acting, "source_credentials", with(federated, "token_url", "https://evil.example/")), "token_url"},
	} {
		options := s.Options()
		options.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("sent to " + r.URL.Host)
		})
		options.Pause = atOnce
		options.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, text(t, c.file))})
		found, err := google.Find(t.Context(), options)
		away := new(google.HostError)
		switch {
		case c.key == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.key == "":
			if _, err := found.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "sent to ") {
				t.Errorf("%s: no token is asked for: %v", name, err)
			}
		case !errors.As(err, &away) || away.Key != c.key:
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestProgramsOfFiles has a file with credentials name a program. It only runs for a user who
// allows it by the variable of Google's own libraries.
func TestProgramsOfFiles(t *testing.T) {
	s := googletest.New(t)
	s.AddProvider(provider, googletest.Provider{})
	ran := filepath.Join(t.TempDir(), "ran")
	file := map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/" + provider, "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
		"token_url": s.Endpoints().STS + "/v1/token", "credential_source": map[string]any{"executable": map[string]any{"command": "touch " + ran}},
	}
	t.Setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "")
	options := s.Options()
	options.Pause = atOnce
	options.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, text(t, file))})
	_, err := find(t, options).Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program ran")
	}
}
