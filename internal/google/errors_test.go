package google_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/google/googletest"
)

// TestTokenErrors refuses tokens for each documented reason. The error has the reason, who it
// was, and what to do.
func TestTokenErrors(t *testing.T) {
	const member = "deployer@acme-ml.iam.gserviceaccount.com"
	key := func(s *googletest.Server, spoil func(string)) google.Options {
		o, account := withKey(s)
		spoil(account)
		return o
	}
	job := func(s *googletest.Server, p googletest.Provider, claims map[string]any) google.Options {
		s.AddProvider(provider, p)
		o := inJob(s, "")
		o.Lookup = environment(s.Run(googletest.Job{Repository: "acme/ml", Claims: claims}))
		return o
	}
	for _, c := range []struct {
		name    string
		options func(*testing.T, *googletest.Server) google.Options
		reason  google.Reason
		want    []string
	}{
		{"deleted account", func(_ *testing.T, s *googletest.Server) google.Options { return key(s, s.DeleteAccount) },
			google.AccountGone, []string{member, "deleted or disabled", "account not found"}},
		{"disabled account", func(_ *testing.T, s *googletest.Server) google.Options { return key(s, s.DisableAccount) },
			google.AccountGone, []string{member, "enable " + member}},
		{"deleted key", func(_ *testing.T, s *googletest.Server) google.Options { return key(s, s.DeleteKeys) },
			google.KeyGone, []string{member, "make a new key"}},
		{"clock behind", func(_ *testing.T, s *googletest.Server) google.Options {
			return key(s, func(string) { s.Skew(3 * time.Hour) })
		}, google.ClockSkew, []string{member, "3h0m0s behind", "Invalid JWT"}},
		{"clock ahead", func(_ *testing.T, s *googletest.Server) google.Options {
			return key(s, func(string) { s.Skew(-3 * time.Hour) })
		}, google.ClockSkew, []string{"ahead of Google's"}},
		{"unknown scope", func(_ *testing.T, s *googletest.Server) google.Options {
			o, _ := withKey(s)
			o.Scopes = []string{"cloud-platform"}
			return o
		}, google.Scope, []string{member, "invalid_scope"}},
		{"login revoked", func(t *testing.T, s *googletest.Server) google.Options {
			o := s.Options()
			o.Lookup = environment(map[string]string{"GOOGLE_APPLICATION_CREDENTIALS": write(t, s.Login("ada@acme.dev"))})
			s.Logout()
			return o
		}, google.LoginExpired, []string{"the user of the gcloud login", "gcloud auth application-default login"}},

		{"no OIDC token", func(_ *testing.T, s *googletest.Server) google.Options {
			o := inJob(s, "")
			o.Lookup = environment(map[string]string{"GITHUB_ACTIONS": "true"})
			return o
		}, google.NoSubject, []string{"id-token: write", "forks"}},
		{"not in a job", func(_ *testing.T, s *googletest.Server) google.Options {
			o := inJob(s, "")
			o.Lookup = nil
			return o
		}, google.NoSubject, []string{"not a job of GitHub Actions"}},
		{"GitHub is down", func(_ *testing.T, s *googletest.Server) google.Options {
			s.Fail(googletest.Fault{Service: "github", Code: http.StatusBadGateway})
			return inJob(s, "")
		}, google.Unavailable, []string{"try again later", "502"}},
		{"OIDC token refused", func(_ *testing.T, s *googletest.Server) google.Options {
			o := inJob(s, "")
			s.Run(googletest.Job{}) // another job, with another bearer
			return o
		}, google.NoSubject, []string{"id-token: write", "401"}},
		{"an answer without a token", func(_ *testing.T, s *googletest.Server) google.Options {
			s.Fail(googletest.Fault{Service: "github", Code: http.StatusOK, Body: `{"count": 0, "value": ""}`})
			return inJob(s, "")
		}, google.NoSubject, []string{"GitHub's answer has no OIDC token", "try again later"}},
		{"no variable", func(_ *testing.T, s *googletest.Server) google.Options {
			o := s.Options()
			o.Federation = &google.Federation{Provider: provider, Variable: "GOOGLE_ID_TOKEN"}
			return o
		}, google.NoSubject, []string{"GOOGLE_ID_TOKEN", "id_tokens: {GOOGLE_ID_TOKEN: {aud: https://iam.googleapis.com/" + provider + "}}"}},
		{"variable expired", func(_ *testing.T, s *googletest.Server) google.Options {
			o := s.Options()
			o.Federation = &google.Federation{Provider: provider, Variable: "GOOGLE_ID_TOKEN"}
			o.Lookup = environment(map[string]string{"GOOGLE_ID_TOKEN": s.IDToken(googletest.Job{Life: -time.Hour}, "x")})
			return o
		}, google.NoSubject, []string{"GOOGLE_ID_TOKEN expired 1h0m", "timeout"}},
		{"attribute condition", func(_ *testing.T, s *googletest.Server) google.Options {
			return job(s, googletest.Provider{Condition: func(claims map[string]any) bool { return claims["repository"] == "acme/other" }}, nil)
		}, google.AttributeCondition, []string{"attribute condition", "repository=acme/ml", "ref=refs/heads/main", "principal://"}},
		{"no provider", func(_ *testing.T, s *googletest.Server) google.Options { return inJob(s, "") },
			google.NoProvider, []string{"does not exist, or is disabled or deleted"}},
		{"disabled provider", func(_ *testing.T, s *googletest.Server) google.Options {
			return job(s, googletest.Provider{Disabled: true}, nil)
		}, google.NoProvider, []string{"invalid_target"}},
		{"audience", func(_ *testing.T, s *googletest.Server) google.Options {
			return job(s, googletest.Provider{Audiences: []string{"https://acme.dev"}}, nil)
		}, google.WrongAudience, []string{"allowed audiences", "aud=https://iam.googleapis.com/" + provider}},
		{"issuer", func(_ *testing.T, s *googletest.Server) google.Options {
			return job(s, googletest.Provider{Issuer: "https://gitlab.com"}, nil)
		}, google.WrongIssuer, []string{"iss=" + googletest.Issuer}},
		{"stale OIDC token", func(_ *testing.T, s *googletest.Server) google.Options {
			return job(s, googletest.Provider{}, map[string]any{"exp": 1})
		}, google.SubjectExpired, []string{"has expired"}},
		{"disabled target", func(_ *testing.T, s *googletest.Server) google.Options {
			s.AddProvider(provider, googletest.Provider{})
			account := s.Account("deployer")
			s.DisableAccount(account)
			return inJob(s, account)
		}, google.AccountGone, []string{member, "does not exist or is disabled"}},
		{"pod without a binding", func(_ *testing.T, s *googletest.Server) google.Options {
			s.Machine("vm@acme-ml.iam.gserviceaccount.com")
			s.Deny("iam.serviceAccounts.getAccessToken")
			return s.Options()
		}, google.NoSubject, []string{"roles/iam.workloadIdentityUser", "vm@acme-ml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := googletest.New(t)
			options := c.options(t, s)
			options.Pause = atOnce
			err := clusters(t.Context(), find(t, options), s)
			bad := new(google.TokenError)
			if !errors.As(err, &bad) || bad.Reason != c.reason {
				t.Fatalf("want reason %q: %v", c.reason, err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
			if strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

// TestImpersonationDenied names the identity that lacks the role, and the account that it
// lacks it on.
func TestImpersonationDenied(t *testing.T) {
	s := googletest.New(t)
	s.AddProvider(provider, googletest.Provider{})
	err := clusters(t.Context(), find(t, inJob(s, "gone@acme-ml.iam.gserviceaccount.com")), s)
	denied := new(google.PermissionError)
	if !errors.As(err, &denied) || denied.Permission != "iam.serviceAccounts.getAccessToken" || denied.Role != "roles/iam.workloadIdentityUser" ||
		denied.Identity.Kind != google.Principal || !strings.Contains(denied.Resource, "gone@acme-ml") {
		t.Fatalf("%+v: %v", denied, err)
	}
	for _, part := range []string{"grant roles/iam.workloadIdentityUser to principal://", "subject/repo:acme/ml:ref:refs/heads/main, which takes effect within some minutes (", "or it does not exist"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
	s.Disable("iamcredentials.googleapis.com")
	err = clusters(t.Context(), find(t, inJob(s, s.Account("deployer"))), s)
	if disabled := new(google.DisabledError); !errors.As(err, &disabled) || disabled.API != "iamcredentials.googleapis.com" {
		t.Errorf("with the API disabled: %v", err)
	}
}

// TestAPIErrors refuses a request for each documented reason.
func TestAPIErrors(t *testing.T) {
	status := func(code int, body string) func(*googletest.Server) {
		return func(s *googletest.Server) {
			s.Fail(googletest.Fault{Service: "container", Code: code, Body: body})
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(*googletest.Server)
		check func(error) bool
		want  []string
	}{
		{"permission", func(s *googletest.Server) { s.Deny("container.clusters.list") }, func(err error) bool {
			denied := new(google.PermissionError)
			return errors.As(err, &denied) && denied.Permission == "container.clusters.list" && denied.Resource == "projects/acme-ml" &&
				denied.Role == "roles/container.clusterViewer" && denied.Err.Code == http.StatusForbidden
		}, []string{"service account deployer@acme-ml.iam.gserviceaccount.com lacks the permission container.clusters.list on projects/acme-ml",
			"grant roles/container.clusterViewer to serviceAccount:deployer@acme-ml.iam.gserviceaccount.com"}},
		{"permission in old words", status(403, `{"error": {"code": 403, "message": "Required \"container.clusters.get\" permission for \"projects/p/zones/z/clusters/c\".", "errors": [{"domain": "global", "reason": "forbidden"}], "status": "PERMISSION_DENIED"}}`),
			func(err error) bool {
				denied := new(google.PermissionError)
				return errors.As(err, &denied) && denied.Permission == "container.clusters.get" && denied.Resource == "projects/p/zones/z/clusters/c"
			}, nil},
		{"no word why", status(403, `{"error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}}`),
			func(err error) bool {
				denied := new(google.PermissionError)
				return errors.As(err, &denied) && denied.Permission == "" && denied.Resource == "projects/acme-ml/locations/-/clusters"
			}, []string{"has no access to"}},
		{"API disabled", func(s *googletest.Server) { s.Disable("container.googleapis.com") }, func(err error) bool {
			disabled := new(google.DisabledError)
			return errors.As(err, &disabled) && disabled.API == "container.googleapis.com" && disabled.Project == googletest.ProjectNumber
		}, []string{"enable it at https://console.developers.google.com/apis/api/container.googleapis.com/overview?project=123456789012"}},
		{"API disabled in GKE's words", status(403, `{"error": {"code": 403, "message": "Kubernetes Engine API is not enabled for this project. Please ensure it is enabled in Google Cloud Console and try again: visit https://console.cloud.google.com/apis/api/container.googleapis.com/overview?project=acme-ml to do so.", "status": "PERMISSION_DENIED"}}`),
			func(err error) bool {
				disabled := new(google.DisabledError)
				return errors.As(err, &disabled) && disabled.Project == "acme-ml" && disabled.API == "container.googleapis.com"
			}, []string{"overview?project=acme-ml and wait"}},
		{"no project of a login", status(403, `{"error": {"code": 403, "message": "Kubernetes Engine API has not been used in project 764086051850 before or it is disabled.", "status": "PERMISSION_DENIED", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com", "metadata": {"consumer": "projects/764086051850", "service": "container.googleapis.com"}}]}}`),
			func(err error) bool { return errors.As(err, new(*google.DisabledError)) }, []string{"set-quota-project"}},
		{"quota project denied", status(403, `{"error": {"code": 403, "message": "Caller does not have required permission to use project acme-ml.", "status": "PERMISSION_DENIED", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "USER_PROJECT_DENIED", "domain": "googleapis.com", "metadata": {"consumer": "projects/acme-ml"}}]}}`),
			func(err error) bool {
				denied := new(google.PermissionError)
				return errors.As(err, &denied) && denied.Role == "roles/serviceusage.serviceUsageConsumer" && denied.Resource == "projects/acme-ml"
			}, nil},
		{"quota", status(429, `{"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com", "metadata": {"quota_limit": "ReadRequestsPerMinutePerProject"}}]}}`),
			func(err error) bool {
				quota := new(google.QuotaError)
				return errors.As(err, &quota) && quota.Limit == "ReadRequestsPerMinutePerProject"
			}, []string{"quota ReadRequestsPerMinutePerProject exceeded"}},
		{"rejected", status(401, `{"error": {"code": 401, "message": "Request had invalid authentication credentials.", "status": "UNAUTHENTICATED"}}`),
			func(err error) bool {
				bad := new(google.TokenError)
				return errors.As(err, &bad) && bad.Reason == google.Rejected
			}, []string{"deployer@acme-ml"}},
		{"scope", status(403, `{"error": {"code": 403, "message": "Request had insufficient authentication scopes.", "status": "PERMISSION_DENIED"}}`),
			func(err error) bool {
				bad := new(google.TokenError)
				return errors.As(err, &bad) && bad.Reason == google.Scope
			}, []string{"access scope cloud-platform"}},
		{"a proxy", status(502, "<!DOCTYPE html><p>Bad gateway"), func(err error) bool { return errors.As(err, new(*google.APIError)) },
			[]string{"a web page, probably from a proxy"}},
		{"not JSON", status(200, "<html>log in"), func(err error) bool { return err != nil }, []string{"check whether a proxy changes it"}},
		{"control characters", status(400, `{"error": {"code": 400, "message": "a\u001b[31m\nb", "status": "INVALID_ARGUMENT"}}`),
			func(err error) bool { return !strings.ContainsAny(err.Error(), "\x1b\n") }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := googletest.New(t)
			o, _ := withKey(s)
			c.spoil(s)
			err := clusters(t.Context(), find(t, o), s)
			if err == nil || !c.check(err) {
				t.Fatalf("%T: %v", err, err)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in: %v", part, err)
				}
			}
		})
	}
}
