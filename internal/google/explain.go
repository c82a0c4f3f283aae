package google

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
)

// PermissionError reports that an identity may not do something.
type PermissionError struct {
	Identity Identity
	// Permission is what it lacks, such as container.clusters.get, or "" if the service did
	// not say. Resource is what it lacks it on.
	Permission, Resource string
	// Role is the role to grant, or "" if slipway knows none for the permission.
	Role string
	Err  *APIError
}

// impersonating is the permission to get access tokens of a service account.
const impersonating = "iam.serviceAccounts.getAccessToken"

// Error implements error. It says who lacks which permission on what, and which role helps.
func (e *PermissionError) Error() string {
	var b strings.Builder
	if e.Permission == "" {
		fmt.Fprintf(&b, "%s has no access to %s", e.Identity, e.Resource)
	} else {
		fmt.Fprintf(&b, "%s lacks the permission %s on %s", e.Identity, e.Permission, e.Resource)
	}
	if e.Err.says("may not exist") {
		b.WriteString(", or it does not exist")
	}
	switch member := e.Identity.Member(); {
	case e.Role != "" && member != "":
		fmt.Fprintf(&b, ": grant %s to %s", e.Role, member)
	case e.Role != "":
		fmt.Fprintf(&b, ": grant it %s", e.Role)
	}
	if e.Permission == impersonating { // see cloud.google.com/iam/docs/access-change-propagation
		b.WriteString(", which takes effect within some minutes")
	}
	fmt.Fprintf(&b, " (%s)", e.Err)
	return b.String()
}

// Unwrap returns the refusal.
func (e *PermissionError) Unwrap() error { return e.Err }

// DisabledError reports that an API is not enabled in a project.
type DisabledError struct {
	// API is the name of the API, such as container.googleapis.com. Project is the id or the
	// number of the project, or "" if the service did not say.
	API, Project string
	// Link is the address at which it is enabled.
	Link string
	Err  *APIError
}

// gcloudProject is the number of the project of gcloud itself, which the requests of a user
// count against if the login has no project.
const gcloudProject = "764086051850"

// Error implements error.
func (e *DisabledError) Error() string {
	if e.Project == gcloudProject {
		return fmt.Sprintf("the gcloud login has no project for the API %s: run `gcloud auth application-default set-quota-project PROJECT` (%s)", e.API, e.Err)
	}
	project := "the project"
	if e.Project != "" {
		project = "project " + e.Project
	}
	return fmt.Sprintf("the API %s is not enabled in %s: enable it at %s and wait some minutes (%s)", e.API, project, e.Link, e.Err)
}

// Unwrap returns the refusal.
func (e *DisabledError) Unwrap() error { return e.Err }

// QuotaError reports that a quota or a rate limit is exceeded, also after the attempts that
// slipway makes.
type QuotaError struct {
	// Limit is the name of the limit, or "" if the service did not say.
	Limit string
	Err   *APIError
}

// Error implements error.
func (e *QuotaError) Error() string {
	limit := ""
	if e.Limit != "" {
		limit = " " + e.Limit
	}
	later := "try again later"
	if e.Err.Wait > 0 {
		later = fmt.Sprintf("try again in %s", e.Err.Wait.Round(time.Second))
	}
	return fmt.Sprintf("quota%s exceeded: %s, or have the quota raised (%s)", limit, later, e.Err)
}

// Unwrap returns the refusal.
func (e *QuotaError) Unwrap() error { return e.Err }

// explain returns the error of a request for a resource with what was refused, and to whom.
func (c *Credentials) explain(err error, path string) error {
	refused, request := new(APIError), new(url.Error)
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &request):
		return unreached(hostOf(request.URL), err)
	default:
		return err
	}
	resource := path
	if _, rest, versioned := strings.Cut(path, "/"); versioned {
		resource, _, _ = strings.Cut(rest, ":")
	}
	return explain(refused, c.Identity(), resource)
}

// explain returns what a refusal means to an identity.
func explain(refused *APIError, who Identity, resource string) error {
	switch {
	case isDisabled(refused):
		return disabled(refused)
	case isQuota(refused):
		return &QuotaError{Limit: refused.Metadata["quota_limit"], Err: refused}
	case refused.Reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT", refused.says("insufficient authentication scopes"):
		return &TokenError{Identity: who, Reason: Scope, Problem: "the access token lacks the scope cloud-platform",
			Advice: "give the virtual machine or the node pool the access scope cloud-platform, or log in again with it", Err: refused}
	case refused.Code == http.StatusUnauthorized:
		return &TokenError{Identity: who, Reason: Rejected, Problem: refused.Service + " rejects the access token",
			Advice: "check whether the account still exists, and the clock of this machine", Err: refused}
	case refused.Reason == "USER_PROJECT_DENIED":
		return denied(refused, who, "serviceusage.services.use", refused.Metadata["consumer"])
	case refused.Code == http.StatusForbidden:
		permission, on := lacking(refused)
		if on == "" {
			on = resource
		}
		return denied(refused, who, permission, on)
	}
	return refused
}

// denied returns a *PermissionError with the role to grant.
func denied(refused *APIError, who Identity, permission, resource string) error {
	return &PermissionError{Identity: who, Permission: permission, Resource: resource, Role: roleFor(permission, who), Err: refused}
}

// isDisabled reports whether an API is not enabled. GKE has a text of its own for it.
func isDisabled(refused *APIError) bool {
	return refused.Reason == "SERVICE_DISABLED" || refused.Reason == "accessNotConfigured" || refused.Code == http.StatusForbidden &&
		(refused.says("has not been used in project") || refused.says("is not enabled for this project"))
}

var (
	// console matches the address at which an API is enabled, in a text.
	console = lazyregexp.New(`https://console\.[\w.]+/apis/api/([\w.-]+)/overview\?project=([\w.:-]*\w)`)
	// required matches the texts of GKE, and refusal those of IAM.
	required = lazyregexp.New(`(?i)required "([\w.]+)" permission(?:\(s\))? for "([^"]+)"`)
	refusal  = lazyregexp.New(`(?i)permission '([\w.]+)' denied(?: (?:for|on))?(?: resource)?(?: '([^']+)')?`)
)

// disabled returns a *DisabledError.
func disabled(refused *APIError) error {
	d := &DisabledError{API: refused.Metadata["service"], Link: refused.Link, Err: refused}
	_, d.Project, _ = strings.Cut(refused.Metadata["consumer"], "/")
	if m := console.FindStringSubmatch(refused.Message); m != nil {
		if d.Link == "" {
			d.Link = m[0]
		}
		if d.API == "" {
			d.API = m[1]
		}
		if d.Project == "" {
			d.Project = m[2]
		}
	}
	if d.API == "" {
		d.API = refused.Service
	}
	if d.Link == "" {
		d.Link = "https://console.cloud.google.com/apis/api/" + d.API + "/overview?project=" + d.Project
	}
	return d
}

// isQuota reports whether a quota is exceeded. Older services say so with 403.
func isQuota(refused *APIError) bool {
	switch refused.Reason {
	case "RATE_LIMIT_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED", "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded":
		return true
	}
	return refused.Code == http.StatusTooManyRequests || refused.Status == "RESOURCE_EXHAUSTED"
}

// lacking returns the permission that a refusal names, and what it is lacking on. Each is ""
// if it is not named.
func lacking(refused *APIError) (permission, resource string) {
	permission, resource = refused.Metadata["permission"], refused.Metadata["resource"]
	for _, pattern := range []*lazyregexp.Regexp{required, refusal} {
		if m := pattern.FindStringSubmatch(refused.Message); m != nil {
			if permission == "" {
				permission = m[1]
			}
			if resource == "" {
				resource = m[2]
			}
		}
	}
	if rest, full := strings.CutPrefix(resource, "//"); full {
		_, resource, _ = strings.Cut(rest, "/")
	}
	return permission, resource
}

// masked returns err, which is not a refusal, without secrets. It leaves the error of a
// context and a panic as they are.
func (c *Credentials) masked(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*panics.Error)) {
		return err
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // x/oauth2 adds what a program printed, which may be a token
	return &maskedError{printable(c.masker.Mask(text)), err}
}

// maskedError is an error with a text of its own.
type maskedError struct {
	text string
	err  error
}

// Error implements error.
func (e *maskedError) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e *maskedError) Unwrap() error { return e.err }

// Denied returns the error for a response of 403 that a front end of Google gave in place of
// a service behind it. permission is what it checks, on a resource.
func (c *Credentials) Denied(response *http.Response, body []byte, permission, resource string) error {
	refused := c.parse(response, body)
	if isDisabled(refused) {
		return disabled(refused)
	}
	if named, on := lacking(refused); named != "" {
		permission = named
		if on != "" {
			resource = on
		}
	}
	return denied(refused, c.Identity(), permission, resource)
}
