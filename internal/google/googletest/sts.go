package googletest

import (
	"cmp"
	"crypto/rsa"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Issuer is the issuer of the OIDC tokens of jobs.
const Issuer = "https://token.actions.githubusercontent.com"

// Provider is a provider of a workload identity pool. The zero value takes all tokens of
// Issuer that are for it.
type Provider struct {
	// Issuer is the issuer whose tokens it takes. "" means Issuer.
	Issuer string
	// Audiences are the audiences that it takes. None means its own name.
	Audiences []string
	// Condition is its attribute condition. Nil means none.
	Condition func(claims map[string]any) bool
	Disabled  bool
}

// AddProvider adds a provider, such as
// projects/123456789012/locations/global/workloadIdentityPools/ci/providers/github.
func (s *Server) AddProvider(name string, p Provider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.providers[name] = p
}

// key returns the key that signs OIDC tokens.
func (s *Server) key() *rsa.PrivateKey {
	if s.issuer == nil {
		s.issuer = s.newRSA()
	}
	return s.issuer
}

// sts serves the Security Token Service, of
// cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token. The refusals are those of
// google-github-actions/auth#211, #334 and docs/TROUBLESHOOTING.md, and of
// terraform-google-modules/terraform-example-foundation#1362.
func (s *Server) sts(w http.ResponseWriter, r *http.Request, path string) {
	form, ok := formOf(w, r, path, "v1/token")
	if !ok {
		return
	}
	audience := form.Get("audience")
	name, full := strings.CutPrefix(audience, "//iam.googleapis.com/")
	provider, known := s.providers[name]
	bad := func(code, text string) { oauthError(w, http.StatusBadRequest, code, text) }
	switch {
	case form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange":
		bad("unsupported_grant_type", "Invalid grant_type")
		return
	case form.Get("requested_token_type") != "urn:ietf:params:oauth:token-type:access_token":
		bad("invalid_request", "Invalid requested_token_type")
		return
	case form.Get("subject_token_type") != "urn:ietf:params:oauth:token-type:jwt":
		bad("invalid_request", "Invalid subject_token_type")
		return
	case !knownScopes(form.Get("scope")):
		bad("invalid_scope", "Invalid scope")
		return
	case !full || !strings.Contains(name, "/providers/"):
		bad("invalid_request", `Invalid value for "audience". This value should be the full resource name of the Identity Provider. `+
			`See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats.`)
		return
	case !known || provider.Disabled:
		bad("invalid_target", `The target service indicated by the "audience" parameters is invalid. `+
			`This might either be because the pool or provider is disabled or deleted or because it doesn't exist.`)
		return
	}
	claims := map[string]any{}
	_, verify, err := open(form.Get("subject_token"), &claims)
	if err != nil || verify(&s.key().PublicKey) != nil {
		bad("invalid_grant", "The signature of the ID Token cannot be verified.")
		return
	}
	if text := s.unaccepted(name, provider, claims); text != "" {
		bad("invalid_grant", text)
		return
	}
	if provider.Condition != nil && !provider.Condition(claims) {
		oauthError(w, http.StatusUnauthorized, "unauthorized_client", "The given credential is rejected by the attribute condition.")
		return
	}
	pool, _, _ := strings.Cut(name, "/providers/")
	subject, _ := claims["sub"].(string)
	s.grant(w, "principal://iam.googleapis.com/"+pool+"/subject/"+subject, form.Get("scope"),
		object{"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
}

// unaccepted says why a provider does not take a token, or returns "".
func (s *Server) unaccepted(name string, provider Provider, claims map[string]any) string {
	issuer := provider.Issuer
	if issuer == "" {
		issuer = Issuer
	}
	accepted := provider.Audiences
	if len(accepted) == 0 {
		accepted = []string{"https://iam.googleapis.com/" + name, "//iam.googleapis.com/" + name}
	}
	audience, _ := claims["aud"].(string)
	exp, _ := claims["exp"].(float64)
	iat, _ := claims["iat"].(float64)
	switch at := time.Unix(int64(iat), 0); {
	case claims["iss"] != issuer:
		return fmt.Sprintf("The issuer in ID Token %v does not match the expected ones: %s", claims["iss"], issuer)
	case !strings.Contains(" "+strings.Join(accepted, " ")+" ", " "+audience+" "):
		return fmt.Sprintf("The audience in ID Token [%s] does not match the expected audience %s.", audience, strings.Join(accepted, " or "))
	case exp == 0 || !s.now().Before(time.Unix(int64(exp), 0)):
		return fmt.Sprintf("ID Token issued at %d is stale to sign-in.", int64(iat))
	case at.After(s.now().Add(allowedSkew)):
		return "ID Token was issued in the future."
	}
	return ""
}

// impersonate serves IAM's credentials, of
// cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken.
// The refusals are those of google-github-actions/auth#340 and docs/TROUBLESHOOTING.md.
func (s *Server) impersonate(w http.ResponseWriter, r *http.Request, path string) {
	mail, ok := strings.CutPrefix(path, "projects/-/serviceAccounts/")
	mail, ok2 := strings.CutSuffix(mail, ":generateAccessToken")
	if !ok || !ok2 || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	var request struct {
		Scope, Delegates []string
		Lifetime         string
	}
	const permission = "iam.serviceAccounts.getAccessToken"
	bad := strictJSON(r, &request)
	lifetime, err := time.ParseDuration(cmp.Or(request.Lifetime, "3600s"))
	switch account := s.accounts[mail]; {
	case bad != "":
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", bad)
	case err != nil || !strings.HasSuffix(cmp.Or(request.Lifetime, "s"), "s"):
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Invalid value at 'lifetime' (type.googleapis.com/google.protobuf.Duration)")
	case account == nil || s.denied[permission]:
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", "Permission '"+permission+"' denied on resource (or it may not exist).",
			info("IAM_PERMISSION_DENIED", "iam.googleapis.com", "permission", permission))
	case account.disabled:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "Service account "+mail+" is disabled.")
	case len(request.Scope) == 0 || !knownScopes(strings.Join(request.Scope, " ")):
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "Request contains an invalid argument.")
	case lifetime > longest:
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "The access token lifetime cannot exceed 3600 seconds.")
	default:
		text, ends := s.issue("serviceAccount:"+mail, strings.Join(request.Scope, " "))
		answer(w, http.StatusOK, object{"accessToken": text, "expireTime": ends.UTC().Format(time.RFC3339)})
	}
}
