package google

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// step is a request on the way to an access token.
type step int

const (
	bySubject     step = iota // an OIDC token of another provider
	byKey                     // a service account's key for an access token
	byUser                    // a refresh token for an access token
	bySTS                     // an OIDC token for an access token of a pool
	byImpersonate             // an access token for one of a service account
	byMetadata                // the metadata server
)

// exchange sends the requests that lead to one access token. It learns their secrets, and
// keeps where the last one went and why it failed, of which x/oauth2 leaves only a text.
type exchange struct {
	*Credentials
	last    step
	host    string
	refused *APIError
	broken  error
	// ahead is how far the clock of the service is ahead of this machine's, as far as its
	// answers tell.
	ahead time.Duration
}

// renew gets a new access token. It tries again after temporary failures.
func (c *Credentials) renew(ctx context.Context) (*oauth2.Token, error) {
	for tries := (retries{}); ; {
		x := &exchange{Credentials: c}
		token, err := c.issue(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: x, CheckRedirect: keepRedirect}))
		if err == nil {
			return x.accept(token)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		wait, worth := tries.next(x.cause())
		if !worth {
			return nil, x.explain(err)
		}
		if stop := c.options.Pause(ctx, wait); stop != nil {
			return nil, cmp.Or(ctx.Err(), x.explain(err))
		}
	}
}

// cause returns why the last request failed, or nil if it did not.
func (x *exchange) cause() error {
	if x.refused != nil {
		return x.refused
	}
	return x.broken
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	x.refused, x.broken = nil, nil
	x.last, x.host = x.read(request), request.URL.Host
	began := time.Now()
	response, err := x.options.Transport.RoundTrip(request)
	if err != nil {
		x.broken = err
		return nil, err
	}
	body, err := bounded.ReadAll(response.Body, maxAnswer)
	_ = response.Body.Close()
	if err != nil {
		x.broken = err
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Header.Del("Location") // a redirect would take the token elsewhere, and x/oauth2 follows it
	if at, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		x.ahead = at.Sub(began)
	}
	x.learn(body)
	if response.StatusCode >= http.StatusMultipleChoices {
		x.refused = x.parse(response, body)
	}
	return response, nil
}

// read learns the secrets of a request, and returns which step it is.
func (x *exchange) read(request *http.Request) step {
	if _, bearer, ok := strings.Cut(request.Header.Get("Authorization"), " "); ok {
		x.Learn([]byte(bearer), true)
	}
	switch {
	case request.Header.Get(metadataFlavor) != "":
		return byMetadata
	case accountOf(request.URL.Path) != "":
		return byImpersonate
	case request.GetBody == nil:
		return bySubject
	}
	body, err := request.GetBody()
	if err != nil {
		return bySubject
	}
	defer body.Close()
	text, _ := io.ReadAll(io.LimitReader(body, maxAnswer))
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return bySubject
	}
	for _, name := range []string{"assertion", "subject_token", "refresh_token", "client_secret"} {
		x.Learn([]byte(form.Get(name)), true)
	}
	switch grant := form.Get("grant_type"); {
	case strings.HasSuffix(grant, ":jwt-bearer"):
		return byKey
	case strings.HasSuffix(grant, ":token-exchange"):
		return bySTS
	case grant == "refresh_token":
		return byUser
	}
	return bySubject
}

// learn learns the tokens of an answer.
func (x *exchange) learn(body []byte) {
	var answer struct {
		AccessToken  string `json:"access_token"`
		Impersonated string `json:"accessToken"`
		IDToken      string `json:"id_token"`
		RefreshToken string `json:"refresh_token"`
		Subject      string `json:"value"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return
	}
	for _, token := range []string{answer.AccessToken, answer.Impersonated, answer.IDToken, answer.RefreshToken, answer.Subject} {
		x.Learn([]byte(token), true)
	}
}

// accept returns a new token with its end by the clock of this machine. It keeps the address
// of a user, which comes with the token.
func (x *exchange) accept(token *oauth2.Token) (*oauth2.Token, error) {
	if x.last == byImpersonate && !token.Expiry.IsZero() { // the service gave it by its own clock
		token.Expiry = token.Expiry.Add(-x.ahead)
	}
	if !token.Expiry.IsZero() && !time.Now().Before(token.Expiry) {
		return nil, &TokenError{Identity: x.Identity(), Reason: ClockSkew, Problem: "the new access token has already expired", Advice: x.skew()}
	}
	id, _ := token.Extra("id_token").(string)
	if named := mailOf(id); named != "" && x.Identity().Kind == Someone {
		x.identify(Identity{Kind: User, Name: named})
	}
	return token, nil
}

// mailOf returns the address in an ID token, or "".
func mailOf(token string) string {
	var claim struct {
		Email string `json:"email"`
	}
	if payload(token, &claim) != nil || !mail.MatchString(claim.Email) {
		return ""
	}
	return claim.Email
}
