package googletest

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
)

// The client of gcloud, as files with users' credentials name it.
const (
	clientID     = "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com"
	clientSecret = "not-a-secret-of-the-real-gcloud"
)

const (
	// allowedSkew is how far the times of a request may be off. Google says five minutes.
	allowedSkew = 5 * time.Minute
	// longest is the maximum lifetime of a signed request.
	longest = time.Hour
)

// oauth serves the token endpoint. The refusals are those of
// developers.google.com/identity/protocols/oauth2/service-account#error-codes and, for
// accounts, of googleapis/google-cloud-php#3622.
func (s *Server) oauth(w http.ResponseWriter, r *http.Request, path string) {
	form, ok := formOf(w, r, path, "token")
	switch {
	case !ok:
	case form.Get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer":
		s.byKey(w, form.Get("assertion"))
	case form.Get("grant_type") == "refresh_token":
		s.byUser(w, form.Get("client_id"), form.Get("client_secret"), form.Get("refresh_token"), form.Get("scope"))
	default:
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+form.Get("grant_type"))
	}
}

// form is the form of a request.
type form map[string][]string

// Get returns the value of a field, or "".
func (f form) Get(name string) string {
	if len(f[name]) == 0 {
		return ""
	}
	return f[name][0]
}

// formOf returns the form of a POST for the path that is wanted. Otherwise it writes an
// answer and returns false.
func formOf(w http.ResponseWriter, r *http.Request, path, want string) (form, bool) {
	switch {
	case path != want:
		http.NotFound(w, r)
	case r.Method != http.MethodPost:
		http.Error(w, "POST", http.StatusMethodNotAllowed)
	case !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		oauthError(w, http.StatusBadRequest, "invalid_request", "Could not parse the form")
	case r.ParseForm() != nil:
		oauthError(w, http.StatusBadRequest, "invalid_request", "Could not parse the form")
	default:
		return form(r.PostForm), true
	}
	return nil, false
}

// byKey answers a request that a service account's key signs (RFC 7523).
func (s *Server) byKey(w http.ResponseWriter, assertion string) {
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	id, verify, err := open(assertion, &claims)
	if err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Invalid JWT: "+err.Error())
		return
	}
	account := s.accounts[claims.Iss]
	if account == nil || account.disabled {
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Invalid grant: account not found")
		return
	}
	iat, exp, now := time.Unix(claims.Iat, 0), time.Unix(claims.Exp, 0), s.now()
	key := account.keys[id]
	switch {
	case key == nil || verify(key) != nil:
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Invalid JWT Signature.")
	case iat.After(now.Add(allowedSkew)) || !exp.After(now.Add(-allowedSkew)) || exp.Sub(iat) > longest+allowedSkew:
		oauthError(w, http.StatusBadRequest, "invalid_grant",
			"Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case claims.Aud != google.Public().Token:
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Invalid JWT: Failed audience check.")
	case !knownScopes(claims.Scope):
		oauthError(w, http.StatusBadRequest, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	default:
		s.grant(w, "serviceAccount:"+claims.Iss, claims.Scope, nil)
	}
}

// byUser answers a request with a user's refresh token.
func (s *Server) byUser(w http.ResponseWriter, client, password, refresh, scope string) {
	mail, ok := s.users[refresh]
	switch {
	case client != clientID || password != clientSecret:
		oauthError(w, http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case !ok:
		oauthError(w, http.StatusBadRequest, "invalid_grant", "Token has been expired or revoked.")
	default:
		if scope == "" {
			scope = google.CloudPlatform // those of the login
		}
		id := sign(s.key(), "google", object{"iss": "https://accounts.google.com", "aud": client, "email": mail, "exp": s.now().Add(time.Hour).Unix()})
		s.grant(w, "user:"+mail, scope, object{"id_token": id})
	}
}

// grant answers with a new access token.
func (s *Server) grant(w http.ResponseWriter, member, scope string, more object) {
	text, ends := s.issue(member, scope)
	body := object{"access_token": text, "token_type": "Bearer", "expires_in": int(math.Ceil(ends.Sub(s.now()).Seconds())), "scope": scope}
	for name, value := range more {
		body[name] = value
	}
	answer(w, http.StatusOK, body)
}

// knownScopes reports whether all scopes exist.
func knownScopes(text string) bool {
	scopes := strings.Fields(text)
	return len(scopes) > 0 && !slices.ContainsFunc(scopes, func(scope string) bool {
		return !strings.HasPrefix(scope, "https://www.googleapis.com/auth/")
	})
}
