package panics

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Handler gives a handler that answers 500 when next panics, and writes the stack to
// log; the server goes on. An answer that has begun is broken off, so that nobody takes
// it for a whole one.
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

// answer knows whether an answer has begun.
type answer struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.begun = a.begun || status >= http.StatusOK // what comes before is no answer
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// ReadFrom copies as the server's own writer does.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	a.begun = true
	return io.Copy(a.ResponseWriter, r)
}

// Unwrap has http.ResponseController find the server's own writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
