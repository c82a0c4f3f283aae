// Package registrytest provides registries for tests: real ones, and ones with faults.
package registrytest

import (
	"io"
	"net/http"
	"sync"
)

// Intercept handles the nth request, counted from 1, and reports whether it has responded to
// it.
type Intercept func(n int, w http.ResponseWriter, r *http.Request) bool

// Faults is a proxy in front of a registry that counts and can intercept requests. Its
// methods are safe for concurrent use.
type Faults struct {
	Next http.Handler
	// Intercept is called with each request. If it is nil or returns false, Next handles the
	// request.
	Intercept Intercept

	mu       sync.Mutex
	n        int
	requests []string
	received int64
}

// ServeHTTP implements http.Handler.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.n++
	n := f.n
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	act := f.Intercept
	f.mu.Unlock()
	if act != nil && act(n, w, r) {
		return
	}
	r.Body = &countedBody{r.Body, f}
	f.Next.ServeHTTP(w, r)
}

// InterceptWith sets what handles requests, and resets the log and the counter.
func (f *Faults) InterceptWith(act Intercept) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n, f.Intercept, f.requests, f.received = 0, act, nil, 0
}

// Log returns the method and path of all requests, and the number of bytes in the bodies
// that Next has read.
func (f *Faults) Log() ([]string, int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.requests...), f.received
}

type countedBody struct {
	io.ReadCloser
	f *Faults
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.f.mu.Lock()
	b.f.received += int64(n)
	b.f.mu.Unlock()
	return n, err
}

// Reset reads half of the body and resets the connection.
func Reset(w http.ResponseWriter, r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
	if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := connection.(interface{ SetLinger(int) error }); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
}
