// Package googletest is the part of Google Cloud that slipway uses, in this process, for
// tests: the OAuth token endpoint, the Security Token Service, IAM's credentials, GKE,
// fleets and their gateway, Secret Manager, the metadata server, and GitHub's OIDC tokens.
//
// It is strict about requests: methods, field names, scopes, audiences and signatures. It
// refuses in the words that Google's documentation and its users report, with the source in
// a comment. It knows nothing of quotas, of conditions in policies, and of the parts of
// answers that slipway does not read.
package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
)

// Server is a Google Cloud. Its methods are safe for concurrent use.
type Server struct {
	t    testing.TB
	base string
	// public reports whether the services have the addresses of Google's public cloud.
	public bool

	mu sync.Mutex
	// ahead is how far its clock is ahead of this machine's.
	ahead    time.Duration
	lifetime time.Duration
	issuer   *rsa.PrivateKey
	accounts map[string]*account
	users    map[string]string
	tokens   map[string]token
	// denied are permissions that nobody has, and disabled are APIs that are not enabled.
	denied, disabled map[string]bool
	providers        map[string]Provider
	clusters         map[string]map[string]any
	members          []map[string]any
	gatewayBase      string
	secrets          map[string][]*Version
	machine          string
	job              Job
	faults           []*Fault
	log              []string
}

// token is an access token.
type token struct {
	member, scopes string
	ends           time.Time
}

// New returns a Google Cloud that only its Transport reaches, so that it works with the
// clock of a synctest bubble. Listen makes it reachable for other processes.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		t: t, base: "http://google.test", lifetime: time.Hour,
		accounts: map[string]*account{}, users: map[string]string{}, tokens: map[string]token{},
		denied: map[string]bool{}, disabled: map[string]bool{}, providers: map[string]Provider{},
		clusters: map[string]map[string]any{}, secrets: map[string][]*Version{},
	}
	return s
}

// Listen serves the cloud at an address of this machine until the test ends.
func (s *Server) Listen() *Server {
	s.t.Helper()
	listener := httptest.NewServer(s)
	s.t.Cleanup(listener.Close)
	s.base = listener.URL
	return s
}

// Endpoints returns the addresses of the services.
func (s *Server) Endpoints() google.Endpoints {
	if s.public {
		return google.Public()
	}
	return google.Endpoints{
		Token: s.base + "/oauth2/token", STS: s.base + "/sts", IAMCredentials: s.base + "/iamcredentials",
		Container: s.base + "/container", GKEHub: s.base + "/gkehub", ConnectGateway: s.base + "/connectgateway",
		SecretManager: s.base + "/secretmanager", Metadata: s.base,
	}
}

// Options returns the options for google.Find with which requests come here.
func (s *Server) Options() google.Options {
	return google.Options{Endpoints: s.Endpoints(), Transport: s.Transport()}
}

// Skew sets how far the clock of the cloud is ahead of this machine's.
func (s *Server) Skew(ahead time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead = ahead
}

// Lifetime sets how long new access tokens live.
func (s *Server) Lifetime(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lifetime = d
}

// Expire makes all access tokens of now invalid.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, t := range s.tokens {
		t.ends = s.now()
		s.tokens[text] = t
	}
}

// Deny takes a permission away from everybody.
func (s *Server) Deny(permission string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[permission] = true
}

// Disable disables an API, such as container.googleapis.com.
func (s *Server) Disable(api string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disabled[api] = true
}

// Requests returns the method and the path of each request so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.log...)
}

// Tokens returns all access tokens that were made.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for text := range s.tokens {
		all = append(all, text)
	}
	return all
}

// Valid returns whose a valid access token is. It is for servers that take Google's tokens,
// such as that of a cluster.
func (s *Server) Valid(request *http.Request) (member string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")]
	return t.member, ok && s.now().Before(t.ends)
}

// now returns the time of the cloud's clock.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// issue makes an access token.
func (s *Server) issue(member, scopes string) (text string, ends time.Time) {
	text = "ya29.c." + random()
	ends = s.now().Add(s.lifetime)
	s.tokens[text] = token{member, scopes, ends}
	return text, ends
}

// random returns a random text.
func random() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	service, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	fault := s.enter(service, r)
	if fault.act(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	switch service {
	case "oauth2":
		s.oauth(w, r, rest)
	case "sts":
		s.sts(w, r, rest)
	case "github":
		s.github(w, r)
	case "computeMetadata":
		s.metadata(w, r, rest)
	case "iamcredentials":
		s.serve(w, r, "iamcredentials.googleapis.com", rest, s.impersonate)
	case "container":
		s.serve(w, r, "container.googleapis.com", rest, s.container)
	case "gkehub":
		s.serve(w, r, "gkehub.googleapis.com", rest, s.fleet)
	case "connectgateway":
		s.serve(w, r, "connectgateway.googleapis.com", rest, s.gateway)
	case "secretmanager":
		s.serve(w, r, "secretmanager.googleapis.com", rest, s.secretManager)
	default:
		http.Error(w, "no such service: "+r.URL.Path, http.StatusNotFound)
	}
}

// enter logs a request, and returns the fault that it meets, or nil.
func (s *Server) enter(service string, r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, r.Method+" "+r.URL.Path)
	return s.fault(service)
}

// serve checks the token of a request for an API, and that the API is enabled, and passes
// the path on.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, api, path string, handle func(http.ResponseWriter, *http.Request, string)) {
	t, known := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	path, versioned := strings.CutPrefix(path, "v1/")
	switch {
	case !versioned:
		http.NotFound(w, r)
	case !known || !s.now().Before(t.ends):
		s.unauthenticated(w, known)
	case !strings.Contains(" "+t.scopes+" ", " "+google.CloudPlatform+" "):
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", "Request had insufficient authentication scopes.",
			info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "googleapis.com", "service", api))
	case s.disabled[api]:
		s.notEnabled(w, api)
	default:
		handle(w, r, path)
	}
}

// Transport returns a transport whose requests come here without a network.
func (s *Server) Transport() http.RoundTripper { return direct{s} }

// direct calls a handler for each request.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(request *http.Request) (*http.Response, error) {
	received := request.Clone(request.Context())
	if received.Body == nil {
		received.Body = http.NoBody
	}
	defer received.Body.Close()
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	if host := request.URL.Host; host != "google.test" && !strings.HasPrefix(host, "127.0.0.1") {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, received)
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = request
	return response, nil
}
