package panics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Handler returns a handler that responds with status 500 when next panics, and writes
// the stack to log. The server goes on. If the response has begun, its connection is
// aborted, so that the client does not take it for complete.
func Handler(next http.Handler, log io.Writer) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := &answer{ResponseWriter: w}
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(value)
			}
			fault := recovered(value)
			mu.Lock()
			_, _ = fmt.Fprintf(log, "%s %s: panic: %v\n%s\n", r.Method, r.URL.Path, fault.Value, bytes.TrimSpace([]byte(fault.Stack)))
			mu.Unlock()
			if answer.begun {
				panic(http.ErrAbortHandler)
			}
			http.Error(w, fault.Error(), http.StatusInternalServerError)
		}()
		next.ServeHTTP(answer, r)
	})
}

// answer is a response that records whether it has begun.
type answer struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= http.StatusOK // an informational response is not the final one
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that the server's own writer can copy
// efficiently.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.begun = true
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap returns the server's own writer, for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
