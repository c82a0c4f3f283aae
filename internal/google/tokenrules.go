package google

import (
	"fmt"
	"slices"
)

// tokenRule says what a refusal of a token means.
type tokenRule struct {
	// steps are the requests that it is about. status is the error code of OAuth, and text is
	// part of its description; each matches anything if it is empty.
	steps        []step
	status, text string
	reason       Reason
	// say returns the problem and what to do.
	say func(*exchange) (problem, advice string)
}

// matches reports whether the rule is about a refusal.
func (r tokenRule) matches(at step, refused *APIError) bool {
	return slices.Contains(r.steps, at) && (r.status == "" || r.status == refused.Status) && refused.says(r.text)
}

// fixed returns a say with fixed texts.
func fixed(problem, advice string) func(*exchange) (string, string) {
	return func(*exchange) (string, string) { return problem, advice }
}

// tokenRules returns the rules. The first one that matches counts.
//
// The texts are those of developers.google.com/identity/protocols/oauth2/service-account
// (error codes), cloud.google.com/iam/docs/troubleshooting-workload-identity-federation, and
// what users report: googleapis/google-cloud-php#3622 for an account that is gone,
// googleapis/google-api-ruby-client#720 for one that is disabled, google-github-actions/auth
// (docs/TROUBLESHOOTING.md, #211, #334) for the Security Token Service.
func tokenRules() []tokenRule {
	key, user, sts := []step{byKey}, []step{byUser}, []step{bySTS}
	gone := func(x *exchange) (string, string) {
		return "the account is deleted or disabled", "enable " + x.Identity().Name + ", or use the key of another service account"
	}
	revoked := func(x *exchange) (string, string) {
		return "the key of " + x.Identity().Name + " is deleted or disabled", "make a new key, and replace the old one where it is kept"
	}
	skew := func(x *exchange) (string, string) { return "Google rejects the times in the request", x.skew() }
	login := fixed("the login has expired or was revoked", "run `gcloud auth application-default login`")
	return []tokenRule{
		{key, "invalid_grant", "account not found", AccountGone, gone},
		{key, "invalid_grant", "robot is disabled", AccountGone, gone},
		{key, "invalid_grant", "account has been deleted", AccountGone, gone},
		{key, "deleted_client", "", AccountGone, gone},
		{key, "invalid_grant", "invalid jwt signature", KeyGone, revoked},
		{key, "disabled_client", "", KeyGone, revoked},
		{key, "invalid_grant", "short-lived token", ClockSkew, skew},
		{key, "invalid_scope", "", Scope, fixed("the scope is not known", "leave out the scopes")},
		{user, "invalid_grant", "account has been deleted", AccountGone, fixed("the user's account is deleted", "log in as another user")},
		{user, "invalid_grant", "", LoginExpired, login},
		{user, "invalid_client", "", LoginExpired, login},
		{user, "deleted_client", "", LoginExpired, login},

		{sts, "unauthorized_client", "attribute condition", AttributeCondition, func(x *exchange) (string, string) {
			return "the provider's attribute condition rejects this job", "compare it with what the OIDC token says: " + x.said()
		}},
		{sts, "invalid_target", "", NoProvider, fixed("the provider or its pool does not exist, or is disabled or deleted",
			"check the name of the provider: the project's number, the pool and the provider")},
		{sts, "invalid_request", `"audience"`, NoProvider, fixed("the name of the provider is not accepted",
			"write it as projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER")},
		{sts, "invalid_grant", "audience", WrongAudience, func(x *exchange) (string, string) {
			return "the provider does not accept the audience of the OIDC token",
				"add it to the allowed audiences of the provider, or request another: the token says " + x.said()
		}},
		{sts, "invalid_grant", "issuer", WrongIssuer, func(x *exchange) (string, string) {
			return "the provider is for another issuer than that of the OIDC token", "correct the issuer of the provider: the token says " + x.said()
		}},
		{sts, "invalid_grant", "stale", SubjectExpired, func(x *exchange) (string, string) {
			return "the OIDC token has expired", x.skew()
		}},
		{sts, "", "127 bytes", SubjectInvalid, func(x *exchange) (string, string) {
			return "a mapped attribute is longer than 127 bytes", "map a shorter claim than " + x.said()
		}},
		{sts, "invalid_grant", "", SubjectInvalid, func(x *exchange) (string, string) {
			return "the provider does not accept the OIDC token", "check the provider: the token says " + x.said()
		}},

		{[]step{bySubject}, "", "", NoSubject, fixed("the request for an OIDC token of this job was refused",
			"check `permissions: id-token: write` of the job")},
		{[]step{byMetadata}, "", "unable to generate access token", NoSubject, func(x *exchange) (string, string) {
			return "the Kubernetes service account of this pod may not act as " + x.Identity().Name,
				"grant roles/iam.workloadIdentityUser on it to the Kubernetes service account"
		}},
	}
}

// said returns what the OIDC token of this job says.
func (x *exchange) said() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if text := x.claims.String(); text != "" {
		return text
	}
	return fmt.Sprintf("nothing about %s", x.identity)
}
