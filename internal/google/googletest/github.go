package googletest

import (
	"net/http"
	"time"
)

// Job is a job of GitHub Actions or GitLab.
type Job struct {
	// Repository is its repository, such as acme/ml.
	Repository string
	// Claims are further claims of its OIDC tokens, which replace others.
	Claims map[string]any
	// Life is how long its OIDC tokens live. Zero means five minutes, as GitHub's do.
	Life time.Duration

	bearer string
}

// Subject returns the subject of the job's OIDC tokens.
func (j Job) Subject() string { return "repo:" + j.Repository + ":ref:refs/heads/main" }

// Run runs a job of GitHub Actions, and returns its environment. See
// docs.github.com/en/actions/reference/openid-connect-reference.
func (s *Server) Run(job Job) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	job.bearer = random()
	s.job = job
	return map[string]string{
		"GITHUB_ACTIONS":                 "true",
		"ACTIONS_ID_TOKEN_REQUEST_URL":   s.base + "/github/idtoken?api-version=2.0",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN": job.bearer,
	}
}

// IDToken returns an OIDC token of a job for an audience, as GitLab puts it into a variable.
func (s *Server) IDToken(job Job, audience string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.idToken(job, audience)
}

// idToken makes an OIDC token.
func (s *Server) idToken(job Job, audience string) string {
	life := job.Life
	if life == 0 {
		life = 5 * time.Minute
	}
	claims := object{
		"iss": Issuer, "aud": audience, "sub": job.Subject(), "repository": job.Repository, "ref": "refs/heads/main",
		"iat": s.now().Unix(), "exp": s.now().Add(life).Unix(), "jti": random(),
	}
	for name, value := range job.Claims {
		claims[name] = value
	}
	return sign(s.key(), "issuer", claims)
}

// github serves the OIDC tokens of the job that runs.
func (s *Server) github(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.Method != http.MethodGet || r.URL.Path != "/github/idtoken" || query.Get("api-version") != "2.0":
		http.NotFound(w, r)
	case s.job.bearer == "" || r.Header.Get("Authorization") != "Bearer "+s.job.bearer:
		answer(w, http.StatusUnauthorized, object{"message": "The token is not valid for this job."})
	default:
		token := s.idToken(s.job, query.Get("audience"))
		answer(w, http.StatusOK, object{"count": len(token), "value": token})
	}
}
