package testenv

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Fault is a way in which a request can fail.
type Fault string

// The faults that Faults can cause.
const (
	// LoseRequest closes the connection before the server gets the request.
	LoseRequest Fault = "the request is lost"
	// LoseResponse lets the server handle the request and then closes the connection.
	LoseResponse Fault = "the answer is lost"
	// CutResponse closes the connection in the middle of the response.
	CutResponse Fault = "the answer is cut"
	// Twice sends the request to the server two times, and returns the second response.
	Twice Fault = "it arrives twice"
	// Delay holds the response back for a while.
	Delay Fault = "the answer is slow"
	// Refuse500, Refuse503 and Refuse405 return these statuses, with the bodies that real
	// servers send, without passing the request to the server. A status 405 with an empty
	// page is how Polyaxon reports an internal error.
	Refuse500 Fault = "500"
	Refuse503 Fault = "503 and a gateway's page"
	Refuse405 Fault = "405 and an empty page"
	// Late500 lets the server handle the request, and returns status 500.
	Late500 Fault = "500 after it was done"
)

// AllFaults returns all faults.
func AllFaults() []Fault {
	return []Fault{LoseRequest, LoseResponse, CutResponse, Twice, Delay, Refuse500, Refuse503, Refuse405, Late500}
}

// slow is how long Delay holds a response back.
const slow = 30 * time.Millisecond

// Faults counts the requests to one or more servers and makes one of them fail. It is
// safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	count int
	at    int
	fault Fault
	seen  func(n int, r *http.Request, answered bool)
	busy  int
}

// Spoil resets the count. The nth request from now on, counted from 1, has the given
// fault, or none if n is 0.
func (f *Faults) Spoil(n int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count, f.at, f.fault = 0, n, fault
}

// Watch sets a function that is called twice for each request: before the server gets it,
// and after the server has answered and before the client gets the response.
func (f *Faults) Watch(seen func(n int, r *http.Request, answered bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = seen
}

// Count returns the number of requests since the last call of Spoil.
func (f *Faults) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Quiet waits until no request is in progress.
func (f *Faults) Quiet() {
	for {
		f.mu.Lock()
		busy := f.busy
		f.mu.Unlock()
		if busy == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *Faults) done() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy--
}

// Serve starts a server that passes requests to next with the faults of f, and returns
// its address. It is stopped when the test ends.
func (f *Faults) Serve(t testing.TB, next http.Handler) string {
	server := httptest.NewServer(f.before(next))
	t.Cleanup(server.Close)
	return server.URL
}

// Forward returns a handler that passes requests to the server at address.
func Forward(t testing.TB, address string) http.Handler {
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}

func (f *Faults) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.busy++
		defer f.done()
		f.count++
		n, seen, fault := f.count, f.seen, Fault("")
		if f.count == f.at {
			fault = f.fault
		}
		f.mu.Unlock()
		if seen != nil {
			seen(n, r, false)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		answer := func() *httptest.ResponseRecorder {
			r.Body = io.NopCloser(bytes.NewReader(body))
			recorded := httptest.NewRecorder()
			next.ServeHTTP(recorded, r)
			return recorded
		}
		switch fault {
		case LoseRequest:
			panic(http.ErrAbortHandler)
		case Refuse500, Refuse503, Refuse405:
			refuse(w, fault)
			return
		case Twice:
			answer()
		}
		recorded := answer()
		if seen != nil {
			seen(n, r, true)
		}
		switch fault {
		case LoseResponse:
			panic(http.ErrAbortHandler)
		case Late500:
			refuse(w, Refuse500)
			return
		case Delay:
			time.Sleep(slow)
		}
		for key, values := range recorded.Header() {
			w.Header()[key] = values
		}
		text := recorded.Body.Bytes()
		if fault == CutResponse {
			w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
		}
		w.WriteHeader(recorded.Code)
		if fault == CutResponse {
			_, _ = w.Write(text[:len(text)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(text)
	})
}

func refuse(w http.ResponseWriter, fault Fault) {
	switch fault {
	case Refuse503:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "<html><body>503 Service Temporarily Unavailable</body></html>")
	case Refuse405:
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	}
}
