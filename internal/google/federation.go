package google

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Federation is Workload Identity Federation: access with the OIDC tokens that GitHub or
// GitLab makes for a job, so that no key has to be kept. A new OIDC token is got for each
// access token. See cloud.google.com/iam/docs/workload-identity-federation.
type Federation struct {
	// Provider is the provider of a workload identity pool:
	// projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER.
	Provider string
	// ServiceAccount is the account to impersonate. If it is empty, the roles of the
	// principal itself count.
	ServiceAccount string
	// Audience is the audience of the OIDC token. If it is empty, it is the one that a
	// provider accepts if it lists none.
	Audience string
	// Variable is the environment variable with the OIDC token, as GitLab's id_tokens set it.
	// If it is empty, GitHub is asked for one.
	Variable string
}

// provider matches the name of a provider. Projects stand there by number.
var provider = lazyregexp.New(`^projects/([^/]+)/locations/global/workloadIdentityPools/([^/]+)(/providers/[^/]+)?$`)

// AccountNameError reports that a text is not the address of a service account.
type AccountNameError struct{ Name string }

// Error implements error.
func (e *AccountNameError) Error() string {
	return fmt.Sprintf("%q is not the address of a service account, such as deployer@project.iam.gserviceaccount.com", e.Name)
}

// Check says what is wrong with the names, without a request. The error is an
// *AccountNameError if it is the service account's.
func (f Federation) Check() error {
	_, err := f.check()
	return err
}

// check returns the federation with a plain name of its provider, or says what is wrong.
func (f Federation) check() (Federation, error) {
	for _, prefix := range []string{"https:", "//iam.googleapis.com/"} {
		f.Provider = strings.TrimPrefix(f.Provider, prefix)
	}
	switch m := provider.FindStringSubmatch(f.Provider); {
	case m == nil:
		return f, fmt.Errorf("the provider %q is not of the form projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER", f.Provider)
	case m[3] == "":
		return f, fmt.Errorf("%q is a workload identity pool, and not a provider: add /providers/PROVIDER", f.Provider)
	case strings.Trim(m[1], "0123456789") != "":
		return f, fmt.Errorf("the provider %q names its project by id: write the project's number in place of %q", f.Provider, m[1])
	case f.ServiceAccount != "" && !mail.MatchString(f.ServiceAccount):
		return f, &AccountNameError{f.ServiceAccount}
	}
	if f.Audience == "" {
		f.Audience = "https://iam.googleapis.com/" + f.Provider
	}
	return f, nil
}

// useFederation makes c an identity of a workload identity pool, or a service account that
// it impersonates.
func (c *Credentials) useFederation(f Federation) error {
	f, err := f.check()
	if err != nil {
		return fmt.Errorf("configure Workload Identity Federation: %w", err)
	}
	c.identify(impersonate(f.ServiceAccount, pooled(f.resource(), "")))
	c.issue = func(ctx context.Context) (*oauth2.Token, error) {
		subject, err := c.subjectToken(ctx, f)
		if err != nil {
			return nil, err
		}
		config := externalaccount.Config{
			Audience:             f.resource(),
			SubjectTokenType:     "urn:ietf:params:oauth:token-type:jwt",
			SubjectTokenSupplier: subject,
			TokenURL:             c.options.Endpoints.STS + "/v1/token",
			Scopes:               c.options.Scopes,
		}
		if f.ServiceAccount != "" {
			config.ServiceAccountImpersonationURL = c.options.Endpoints.IAMCredentials +
				"/v1/projects/-/serviceAccounts/" + f.ServiceAccount + ":generateAccessToken"
		}
		source, err := externalaccount.NewTokenSource(ctx, config)
		if err != nil {
			return nil, err
		}
		return source.Token()
	}
	return nil
}

// resource returns the full resource name of the provider, which is the audience of the
// exchange.
func (f Federation) resource() string { return "//iam.googleapis.com/" + f.Provider }

// held is a token that is already there, as an externalaccount.SubjectTokenSupplier.
type held string

// SubjectToken implements externalaccount.SubjectTokenSupplier.
func (h held) SubjectToken(context.Context, externalaccount.SupplierOptions) (string, error) {
	return string(h), nil
}

// subjectToken gets a new OIDC token of this job, and keeps what it says about the job.
func (c *Credentials) subjectToken(ctx context.Context, f Federation) (held, error) {
	get := c.gitHubToken
	if f.Variable != "" {
		get = c.variableToken
	}
	token, err := get(ctx, f)
	if err != nil {
		return "", err
	}
	c.Learn(token.Reveal(), true)
	known := claimsOf(token)
	c.mu.Lock()
	c.claims = known
	c.identity = impersonate(f.ServiceAccount, pooled(f.resource(), known.Subject))
	c.mu.Unlock()
	return held(token.Reveal()), known.check(f.Variable)
}
