package googletest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// Fault is how a service fails.
type Fault struct {
	// Service is the first part of the path of its requests: oauth2, sts, iamcredentials,
	// container, gkehub, connectgateway, secretmanager, github or computeMetadata.
	Service string
	// After is how many requests it answers before, and Times how many fail. Zero means all.
	After, Times int
	// Code is the status of the answer, RetryAfter its header, if not empty, and Body its text.
	// In it, Echo stands for the request itself, as some proxies answer.
	Code       int
	RetryAfter string
	Body       string
	// Delay is how long the answer takes. With a Code of 0, the request is answered as usual
	// afterwards.
	Delay time.Duration
}

// Echo stands for the request in the Body of a Fault. What replaces it can stand in a string
// of JSON.
const Echo = "<request>"

// Fail makes a service fail from now on.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1 << 30
	}
	s.faults = append(s.faults, &f)
}

// Heal ends all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// fault returns the fault that the next request for a service meets, or nil.
func (s *Server) fault(service string) *Fault {
	for _, f := range s.faults {
		switch {
		case f.Service != service || f.Times == 0:
		case f.After > 0:
			f.After--
			return nil
		default:
			f.Times--
			return f
		}
	}
	return nil
}

// act answers a request in place of a service, and reports whether it has.
func (f *Fault) act(w http.ResponseWriter, r *http.Request) bool {
	if f == nil {
		return false
	}
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
			return true
		}
	}
	if f.Code == 0 {
		return false
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.WriteHeader(f.Code)
	_, _ = io.WriteString(w, strings.ReplaceAll(f.Body, Echo, echo(r)))
	return true
}

// echo returns what stands for a request.
func echo(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	text, _ := json.Marshal(r.URL.String() + "\n" + r.Header.Get("Authorization") + "\n" + string(body))
	return strings.Trim(string(text), `"`)
}
