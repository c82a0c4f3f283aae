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
	faults []*Error
	// end ends what goes on, above is who watches over all of it; nil where there is none.
	end   context.CancelCauseFunc
	above *kept
}

type keptKey struct{}

// Watch gives a context that keeps faults, and a function that gives them, joined: no
// panic is lost where its error is taken for an answer in the negative.
func Watch(ctx context.Context) (context.Context, func() error) {
	k := &kept{}
	return context.WithValue(ctx, keptKey{}, k), func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		var all error
		for _, fault := range k.faults {
			all = errors.Join(all, fault)
		}
		return all
	}
}

// Until gives a context that a fault ends which is kept in it, and that the caller ends
// otherwise. It is for work that others do, and that goes on when slipway's part of it
// has failed.
func Until(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, end := context.WithCancelCause(ctx)
	above, _ := ctx.Value(keptKey{}).(*kept)
	return context.WithValue(ctx, keptKey{}, &kept{end: end, above: above}), end
}

// Fault gives the fault that ended ctx, or nil.
func Fault(ctx context.Context) error {
	if fault := new(Error); errors.As(context.Cause(ctx), &fault) {
		return fault
	}
	return nil
}

// Keep, deferred, is Recover for a function that others call from goroutines of their
// own, where a panic would end the process, and whose error they may think little of:
// a fault is kept for who watches over ctx, too.
func Keep(ctx context.Context, err *error, at string) {
	fault := new(Error)
	if value := recover(); value != nil {
		if fault = recovered(value); fault.At == "" {
			fault.At = at
		}
		*err = fault
	} else if !errors.As(*err, &fault) {
		return
	}
	keep(ctx, fault)
}

// keep keeps a fault for who watches over ctx.
func keep(ctx context.Context, fault *Error) {
	k, _ := ctx.Value(keptKey{}).(*kept)
	for ; k != nil; k = k.above {
		k.add(fault)
	}
}

func (k *kept) add(fault *Error) {
	k.mu.Lock()
	if !slices.ContainsFunc(k.faults, fault.same) { // it may pass several who look out for it
		k.faults = append(k.faults, fault)
	}
	k.mu.Unlock()
	if k.end != nil {
		k.end(fault)
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
	defer Keep(request.Context(), &err, request.Method+" "+request.URL.Host)
	return c.next.RoundTrip(request)
}

// CloseIdleConnections lets go of connections that nobody uses.
func (c carrier) CloseIdleConnections() {
	if next, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
