package panics

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
)

// kept are the faults of a command that nobody else may tell of.
type kept struct {
	mu     sync.Mutex
	faults []error
}

type keptKey struct{}

// Watch gives a context that keeps faults, and a function that gives them, joined: no
// panic is lost where its error is taken for an answer in the negative.
func Watch(ctx context.Context) (context.Context, func() error) {
	k := &kept{}
	return context.WithValue(ctx, keptKey{}, k), func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		return errors.Join(k.faults...)
	}
}

// keep keeps a fault for who watches over ctx.
func keep(ctx context.Context, fault error) {
	if k, ok := ctx.Value(keptKey{}).(*kept); ok {
		k.mu.Lock()
		defer k.mu.Unlock()
		if !slices.Contains(k.faults, fault) { // it may pass several who look out for it
			k.faults = append(k.faults, fault)
		}
	}
}

// Transport gives a transport that has a panic of next as its error. It is for requests
// that others send from goroutines of their own, where a panic would end the process.
func Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		return nil
	}
	return carrier{next}
}

type carrier struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(request *http.Request) (response *http.Response, err error) {
	defer func() {
		if value := recover(); value != nil {
			fault := recovered(value)
			if fault.At == "" {
				fault.At = request.Method + " " + request.URL.Host
			}
			keep(request.Context(), fault)
			response, err = nil, fault
		}
	}()
	return c.next.RoundTrip(request)
}

// CloseIdleConnections lets go of connections that nobody uses.
func (c carrier) CloseIdleConnections() {
	if next, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
