package google

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/secret"
)

// SubjectError reports that this job has no OIDC token to exchange.
type SubjectError struct{ Problem, Advice string }

// Error implements error.
func (e *SubjectError) Error() string { return e.Problem + ": " + e.Advice }

// gitHubToken asks GitHub for an OIDC token of this job. The two variables are there if the
// job has the permission. See docs.github.com/en/actions/reference/openid-connect-reference.
func (c *Credentials) gitHubToken(ctx context.Context, f Federation) (secret.Value, error) {
	address, bearer := c.options.env("ACTIONS_ID_TOKEN_REQUEST_URL"), c.options.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if address == "" || bearer == "" {
		problem := "this is not a job of GitHub Actions"
		advice := "name the variable with the OIDC token of this job, or use other credentials"
		if c.options.env("GITHUB_ACTIONS") == "true" {
			problem = "GitHub gives this job no OIDC token"
			advice = "add `permissions: id-token: write` to the job; pull requests from forks never have it"
		}
		return secret.Value{}, &SubjectError{problem, advice}
	}
	c.Learn([]byte(bearer), true)
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return secret.Value{}, &SubjectError{"ACTIONS_ID_TOKEN_REQUEST_URL is not an address", "do not set it yourself"}
	}
	query := at.Query()
	query.Set("audience", f.Audience)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return secret.Value{}, err
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Accept", "application/json; api-version=2.0")
	response, err := clientOf(ctx).Do(request)
	if err != nil {
		return secret.Value{}, err
	}
	defer response.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	switch err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); {
	case response.StatusCode != http.StatusOK:
		return secret.Value{}, fmt.Errorf("GitHub answered %s", response.Status)
	case err != nil || answer.Value == "":
		return secret.Value{}, &SubjectError{"GitHub's answer has no OIDC token", "try again later"}
	}
	return secret.NewValue([]byte(answer.Value)), nil
}

// variableToken reads the OIDC token of this job from an environment variable, as GitLab's
// id_tokens set it. See docs.gitlab.com/ci/secrets/id_token_authentication.
func (c *Credentials) variableToken(_ context.Context, f Federation) (secret.Value, error) {
	token := strings.TrimSpace(c.options.env(f.Variable))
	if token == "" {
		return secret.Value{}, &SubjectError{"the environment variable " + f.Variable + " with the OIDC token is not set",
			fmt.Sprintf("add `id_tokens: {%s: {aud: %s}}` to the job in .gitlab-ci.yml", f.Variable, f.Audience)}
	}
	return secret.NewValue([]byte(token)), nil
}

// claims are what an OIDC token says about a job, and errors show. None is a secret.
type claims struct {
	Subject    string `json:"sub"`
	Issuer     string `json:"iss"`
	Audience   any    `json:"aud"`
	Repository string `json:"repository"`   // GitHub's
	Project    string `json:"project_path"` // GitLab's
	Ref        string `json:"ref"`
	Expires    int64  `json:"exp"`
}

// claimsOf returns the claims of a token, without a check of its signature. They are zero if
// it is not a JWT.
func claimsOf(token secret.Value) claims {
	var known claims
	if payload(string(token.Reveal()), &known) != nil {
		return claims{}
	}
	return known
}

// payload decodes the payload of a JWT, without a check of its signature.
func payload(token string, into any) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return errors.New("not a JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return errors.New("not a JWT")
	}
	return json.Unmarshal(text, into)
}

// check returns a *SubjectError if a token of an environment variable has expired. GitLab
// makes it once, when the job begins.
func (k claims) check(variable string) error {
	at := time.Unix(k.Expires, 0)
	if variable == "" || k.Expires == 0 || time.Now().Before(at) {
		return nil
	}
	return &SubjectError{fmt.Sprintf("the OIDC token in %s expired %s ago", variable, time.Since(at).Round(time.Second)),
		"GitLab makes it when the job begins, and it lives as long as the job's timeout: raise `timeout` of the job"}
}

// String returns the claims that conditions of a provider usually compare.
func (k claims) String() string {
	var parts []string
	for _, claim := range []struct{ name, value string }{
		{"iss", k.Issuer}, {"sub", k.Subject}, {"aud", audienceText(k.Audience)}, {"repository", k.Repository}, {"project_path", k.Project}, {"ref", k.Ref},
	} {
		if claim.value != "" {
			parts = append(parts, claim.name+"="+printable(claim.value))
		}
	}
	return strings.Join(parts, ", ")
}

// audienceText returns an audience, which is a text or a list of texts.
func audienceText(audience any) string {
	switch a := audience.(type) {
	case string:
		return a
	case []any:
		var all []string
		for _, one := range a {
			all = append(all, audienceText(one))
		}
		return strings.Join(all, " ")
	}
	return ""
}
