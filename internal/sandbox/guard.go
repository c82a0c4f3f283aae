package sandbox

import (
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox/storage"
	"github.com/slipway-ci/slipway/internal/secret"
)

// bearer returns a function that admits requests with a token.
func bearer(token secret.Value) func(*http.Request) (*http.Request, bool) {
	want := token.Reveal()
	return func(r *http.Request) (*http.Request, bool) {
		return r, subtle.ConstantTimeCompare([]byte(credential(r)), want) == 1
	}
}

// guard passes on requests that admit accepts and whose Host is a name of loopback. The
// latter keeps out web pages that reach this server under another name (DNS rebinding). It
// responds to others by refuse.
func (s *server) guard(next http.Handler, admit func(*http.Request) (*http.Request, bool), refuse func(w http.ResponseWriter, code int, message string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "127.0.0.1" && host != "localhost" && host != "[::1]" {
			refuse(w, http.StatusForbidden, "forbidden: the Host header must be 127.0.0.1, [::1] or localhost")
			return
		}
		admitted, ok := admit(r)
		if !ok {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		if !s.ownsDir() {
			s.end()
			refuse(w, http.StatusServiceUnavailable, "the sandbox's directory was deleted; the sandbox is shutting down")
			return
		}
		s.open.Add(1)
		defer func() {
			s.touch() // first: at every moment the request is open, or was it just now
			s.open.Add(-1)
		}()
		next.ServeHTTP(w, admitted)
	})
}

// refuse responds to a request to the registry or to Polyaxon that is not passed on.
func refuse(w http.ResponseWriter, code int, message string) {
	if code != http.StatusUnauthorized {
		http.Error(w, message, code)
		return
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="slipway sandbox"`)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(`{"detail":"Authentication credentials were not provided."}`))
}

// credential returns the token of a request: the password of basic authentication
// (registry), a bearer token (Kubernetes) or a token (Polyaxon).
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Token") {
		return token
	}
	return ""
}

// control adds the sandbox's own endpoints and Cloud Storage to Polyaxon's. A run's token is valid
// for Polyaxon's only.
func (s *server) control(next *polyaxon.Server, buckets *storage.Server) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_slipway/status", func(w http.ResponseWriter, _ *http.Request) {
		state := s.state
		state.ActiveRuns = s.platform.polyaxon.Active()
		answer(w, state)
	})
	mux.HandleFunc("POST /_slipway/stop", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]string{})
		s.end()
	})
	mux.HandleFunc("GET /_slipway/services/{uuid}", func(w http.ResponseWriter, r *http.Request) {
		at, ok := s.platform.polyaxon.Address(r.PathValue("uuid"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		answer(w, map[string]string{"address": at})
	})
	all := http.NewServeMux()
	all.Handle("/_slipway/", s.guard(s.prove(mux), bearer(s.state.Token), refuse))
	all.Handle("/", s.guard(next, func(r *http.Request) (*http.Request, bool) { return next.Admit(r, credential(r)) }, refuse))
	guarded := s.guard(buckets, bearer(s.state.Token), refuse)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if storage.Serves(r) { // a ServeMux would clean the names of objects
			guarded.ServeHTTP(w, r)
			return
		}
		all.ServeHTTP(w, r)
	})
}

// The headers by which the sandbox proves that it answers. The first is the text that the
// client chose, the second a code of it that only this user's programs can make.
const nonceHeader, proofHeader = "Slipway-Nonce", "Slipway-Proof"

// proofSubject is the subject of the code of an answer of the sandbox in dir.
func proofSubject(dir string) string { return "answer of " + subject(dir) }

// prove adds a code to the answers of a handler.
func (s *server) prove(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, err := machine.MAC(proofSubject(s.dir), []byte(r.Header.Get(nonceHeader)))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set(proofHeader, code)
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
