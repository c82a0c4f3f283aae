package clock

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// Skew records how far the clocks of servers are ahead of this machine's, as their answers
// tell by the header Date. It is safe for concurrent use.
type Skew struct {
	// Now returns the time of this machine. Nil means time.Now.
	Now func() time.Time

	mu    sync.Mutex
	ahead map[string]time.Duration
}

// Transport returns a transport that sends requests by next and records the servers' clocks.
func (s *Skew) Transport(next http.RoundTripper) http.RoundTripper { return skewed{next, s} }

// Ahead returns how far the clock of each host that has answered is ahead of this machine's.
// It is exact to a second, in which Date is written, and half the time that the answer took.
func (s *Skew) Ahead() map[string]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.ahead)
}

func (s *Skew) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// record records the Date of an answer to a request that was sent between two times.
func (s *Skew) record(answer *http.Response, host string, sent, received time.Time) {
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil || answer.Header.Get("Age") != "" { // a cache sends the Date of the original
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ahead == nil {
		s.ahead = map[string]time.Duration{}
	}
	s.ahead[host] = at.Sub(sent.Add(received.Sub(sent) / 2)).Round(time.Second)
}

// skewed is the transport of a Skew.
type skewed struct {
	http.RoundTripper
	skew *Skew
}

// RoundTrip implements http.RoundTripper.
func (t skewed) RoundTrip(request *http.Request) (*http.Response, error) {
	sent := t.skew.now()
	answer, err := t.RoundTripper.RoundTrip(request)
	if err == nil {
		t.skew.record(answer, request.URL.Host, sent, t.skew.now())
	}
	return answer, err
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (t skewed) CloseIdleConnections() {
	if idle, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}
