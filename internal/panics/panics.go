// Package panics makes a panic the error, or the panic, of who waits for the work,
// so that no fault of slipway ends the process from a goroutine, or goes unseen. All
// goroutines are started by it; a test walks the sources for others.
package panics

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
)

// Error is a panic that was recovered: a fault of slipway.
type Error struct {
	// Value is what the panic was called with.
	Value any
	// Stack is where.
	Stack string
	// At is the file or the step at hand, empty when it is not known.
	At string
}

// Error says what happened, where, and how to report it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.At != "" {
		b.WriteString(e.At + ": ")
	}
	fmt.Fprintf(&b, "this is a fault of slipway (panic: %v)", e.Value)
	b.WriteString("; please report it at https://github.com/slipway-ci/slipway/issues with these lines")
	for _, line := range e.frames() {
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// mostFrames is how many places of a stack an error shows.
const mostFrames = 8

// frames gives the places in slipway's own code, the innermost first.
func (e *Error) frames() []string {
	var own []string
	for _, line := range strings.Split(e.Stack, "\n") {
		place, _, _ := strings.Cut(strings.TrimSpace(line), " +0x")
		if strings.HasPrefix(line, "\t") && strings.Contains(place, ".go:") && !strings.Contains(place, "/internal/panics/panics.go") && !strings.Contains(place, "/runtime/") {
			if at := strings.LastIndex(place, "/slipway/"); at >= 0 {
				place = place[at+len("/slipway/"):]
			}
			own = append(own, place)
		}
		if len(own) == mostFrames {
			break
		}
	}
	return own
}

// Recover, deferred, makes a panic the error of the function that returns err. At is
// the file or the step at hand; what is nearer to the fault is kept.
func Recover(err *error, at string) {
	if value := recover(); value != nil {
		fault := recovered(value)
		if fault.At == "" {
			fault.At = at
		}
		*err = errors.Join(fault, *err)
	}
}

// Catch calls f and gives its error, or its panic as one.
func Catch(at string, f func() error) (err error) {
	defer Recover(&err, at)
	return f()
}

// Within calls f, which nothing can interrupt, and gives its error, or that of ctx when
// it ends first: f is then left behind.
func Within(ctx context.Context, f func() error) error {
	ended := make(chan error, 1)
	Go(func() { ended <- f() }, func(err error) { ended <- err })
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Go calls f in a goroutine, and failed with its panic.
func Go(f func(), failed func(error)) {
	go func() {
		defer func() {
			if value := recover(); value != nil {
				failed(recovered(value))
			}
		}()
		f()
	}()
}

// recovered gives the Error of what a panic was called with: the one that it was
// already when a group passed it on.
func recovered(value any) *Error {
	if err, ok := value.(error); ok {
		if fault := new(Error); errors.As(err, &fault) {
			return fault
		}
	}
	return &Error{Value: value, Stack: string(debug.Stack())}
}
