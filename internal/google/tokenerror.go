package google

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Reason is why there is no access token.
type Reason string

// The reasons. Failed is any other.
const (
	Failed       Reason = "failed"
	AccountGone  Reason = "account deleted or disabled"
	KeyGone      Reason = "key deleted or disabled"
	ClockSkew    Reason = "clock skew"
	LoginExpired Reason = "login expired"
	Scope        Reason = "scope"
	Rejected     Reason = "access token rejected"
	Unavailable  Reason = "service unavailable"
	// The reasons of Workload Identity Federation.
	NoSubject          Reason = "no OIDC token"
	AttributeCondition Reason = "attribute condition"
	NoProvider         Reason = "no such provider"
	WrongAudience      Reason = "audience"
	WrongIssuer        Reason = "issuer"
	SubjectExpired     Reason = "OIDC token expired"
	SubjectInvalid     Reason = "OIDC token invalid"
)

// TokenError reports that an identity gets no access token, or that its token is of no use.
type TokenError struct {
	Identity Identity
	Reason   Reason
	// Problem says what is wrong, and Advice what to do about it.
	Problem, Advice string
	// Err is the refusal, or nil if there was none.
	Err error
}

// Error implements error.
func (e *TokenError) Error() string {
	text := fmt.Sprintf("no access token for %s: %s", e.Identity, e.Problem)
	if e.Reason == Rejected || e.Reason == Scope {
		text = fmt.Sprintf("%s: %s", e.Identity, e.Problem)
	}
	if e.Advice != "" {
		text += ": " + e.Advice
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%s)", e.Err)
	}
	return text
}

// Unwrap returns the refusal.
func (e *TokenError) Unwrap() error { return e.Err }

// explain returns the error of a renewal with whose it was and what to do.
func (x *exchange) explain(err error) error {
	who := x.Identity()
	subject := new(SubjectError)
	switch {
	case errors.As(err, &subject):
		return &TokenError{Identity: who, Reason: NoSubject, Problem: subject.Problem, Advice: subject.Advice}
	case x.refused == nil:
		if x.broken != nil {
			err = x.broken
		}
		return fmt.Errorf("no access token for %s: %w", who, unreached(x.host, x.masked(err)))
	}
	switch {
	case isQuota(x.refused):
		return &QuotaError{Limit: x.refused.Metadata["quota_limit"], Err: x.refused}
	case isDisabled(x.refused):
		return disabled(x.refused)
	case temporary(x.refused):
		return &TokenError{Identity: who, Reason: Unavailable, Problem: x.refused.Service + " fails", Advice: "try again later", Err: x.refused}
	case x.last == byImpersonate:
		return x.impersonation(x.refused, who)
	}
	for _, rule := range tokenRules() {
		if rule.matches(x.last, x.refused) {
			problem, advice := rule.say(x)
			return &TokenError{Identity: who, Reason: rule.reason, Problem: problem, Advice: advice, Err: x.refused}
		}
	}
	return &TokenError{Identity: who, Reason: Failed, Problem: "Google refuses", Err: x.refused}
}

// impersonation explains why an identity gets no token of the service account that it
// impersonates.
func (x *exchange) impersonation(refused *APIError, who Identity) error {
	account, source := who, Identity{}
	if who.Through != nil {
		account, source = Identity{Kind: who.Kind, Name: who.Name}, *who.Through
	}
	permission, resource := lacking(refused)
	switch {
	case refused.Code == http.StatusNotFound:
		return &TokenError{Identity: who, Reason: AccountGone, Problem: account.String() + " does not exist or is disabled",
			Advice: "check its address, or enable it", Err: refused}
	case refused.Code == http.StatusForbidden:
		if permission == "" {
			permission = impersonating
		}
		if resource == "" {
			resource = account.String()
		}
		return denied(refused, source, permission, resource)
	case refused.Code == http.StatusUnauthorized, refused.says("lifetime"):
		return &TokenError{Identity: who, Reason: ClockSkew, Problem: "the token of " + source.String() + " is rejected", Advice: x.skew(), Err: refused}
	}
	return &TokenError{Identity: who, Reason: Failed, Problem: "IAM refuses to impersonate " + account.String(), Err: refused}
}

// largeSkew is the difference between two clocks from which messages name it. Google accepts
// five minutes.
const largeSkew = 2 * time.Minute

// skew says how far the clock of this machine is off.
func (x *exchange) skew() string {
	switch off := x.ahead.Round(time.Minute); {
	case off > largeSkew:
		return fmt.Sprintf("the clock of this machine is %s behind Google's: set it, or turn on NTP", off)
	case off < -largeSkew:
		return fmt.Sprintf("the clock of this machine is %s ahead of Google's: set it, or turn on NTP", -off)
	}
	return "check the clock of this machine"
}
