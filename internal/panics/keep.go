package panics

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
)

// collector collects panics that might otherwise not be reported.
type collector struct {
	mu     sync.Mutex
	faults []*Error
	// end cancels the context, and above is the enclosing one. Each is nil if there is none.
	end   context.CancelCauseFunc
	above *collector
}

// collectorKey is the key of a *collector in a context.
type collectorKey struct{}

// Watch returns a context that collects panics, and a function that returns them, joined.
// It makes sure that a panic is reported even where its error is taken for a negative
// answer.
func Watch(ctx context.Context) (context.Context, func() error) {
	k := &collector{}
	return context.WithValue(ctx, collectorKey{}, k), func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		var all error
		for _, fault := range k.faults {
			all = errors.Join(all, fault)
		}
		return all
	}
}

// WithCancelOnPanic returns a context that is canceled by the first panic that is kept in
// it, or by the returned function. It is for work that is done by other packages, and that
// would go on after slipway's part of it has panicked.
func WithCancelOnPanic(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, end := context.WithCancelCause(ctx)
	above, _ := ctx.Value(collectorKey{}).(*collector)
	return context.WithValue(ctx, collectorKey{}, &collector{end: end, above: above}), end
}

// Cause returns the panic that canceled ctx, or nil.
func Cause(ctx context.Context) error {
	if fault := new(Error); errors.As(context.Cause(ctx), &fault) {
		return fault
	}
	return nil
}

// Keep, deferred, does what Recover does, for a function that another package calls from
// its own goroutines. A panic there would end the process, and the caller might ignore
// the error. So Keep also records the panic, or an *Error that *err has already, in the
// contexts of Watch and WithCancelOnPanic that ctx derives from.
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

// keep records a panic in all contexts of Watch and WithCancelOnPanic that ctx derives from.
func keep(ctx context.Context, fault *Error) {
	k, _ := ctx.Value(collectorKey{}).(*collector)
	for ; k != nil; k = k.above {
		k.add(fault)
	}
}

// add records a panic and cancels the context, if there is one.
func (k *collector) add(fault *Error) {
	k.mu.Lock()
	if !slices.ContainsFunc(k.faults, fault.same) { // one panic may pass several calls of Keep
		k.faults = append(k.faults, fault)
	}
	k.mu.Unlock()
	if k.end != nil {
		k.end(fault)
	}
}

// Transport returns a transport that returns a panic of next as an error. It is for
// requests that another package sends from its own goroutines, where a panic would end
// the process. It returns nil if next is nil.
func Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		return nil
	}
	return transport{next}
}

// transport is a transport that returns panics as errors.
type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c transport) RoundTrip(request *http.Request) (response *http.Response, err error) {
	defer Keep(request.Context(), &err, request.Method+" "+request.URL.Host)
	return c.next.RoundTrip(request)
}

// CloseIdleConnections closes the idle connections of the wrapped transport.
func (c transport) CloseIdleConnections() {
	if next, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}
