// Package panics turns a panic into an error, or a panic, of the goroutine that waits for
// the work. So no panic ends the process from another goroutine, or is lost. All
// goroutines are started by this package. A test searches the sources for others.
package panics

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Error is a panic that was recovered, which is a bug of slipway.
type Error struct {
	// Value is the argument of panic.
	Value any
	// Stack is the stack of the goroutine that panicked, followed by the stacks of other
	// goroutines that waited for it.
	Stack string
	// At is the file or the step that was being processed, or empty if it is not known.
	At string
	// first is the original of this error, which was passed on by a waiting goroutine. It is
	// nil for the original itself.
	first *Error
}

// Error implements error. It says what happened, where, and how to report it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.At != "" {
		b.WriteString(e.At + ": ")
	}
	fmt.Fprintf(&b, "this is a bug in slipway (panic: %v)", e.Value)
	b.WriteString("; please report it at https://github.com/slipway-ci/slipway/issues with these lines")
	for _, line := range e.frames() {
		b.WriteString("\n  " + line)
	}
	return b.String()
}

// maxFrames is the maximum number of stack frames that an error shows.
const maxFrames = 8

// module is the prefix of the names of slipway's own functions.
const module = "github.com/slipway-ci/slipway/"

// frames returns the innermost frame of the stack, and those in slipway's own code around
// it.
func (e *Error) frames() []string {
	var places []string
	function := ""
	for line := range strings.Lines(e.Stack) {
		at, isPlace := strings.CutPrefix(line, "\t")
		if !isPlace {
			function = strings.TrimPrefix(line, "created by ")
			continue
		}
		own := strings.HasPrefix(function, module) || strings.HasPrefix(function, "main.")
		if hidden.MatchString(function) || !own && len(places) > 0 {
			continue
		}
		at, _, _ = strings.Cut(strings.TrimSpace(at), " +0x")
		if name, ok := strings.CutPrefix(function, module); ok {
			dir, file := path.Split(name)
			file, _, _ = strings.Cut(file, ".")
			at = path.Join(dir, strings.TrimSuffix(file, "_test"), path.Base(at))
		}
		if places = slices.Compact(append(places, at)); len(places) == maxFrames {
			break
		}
	}
	return places
}

// hidden matches functions that are on the stack of every panic.
var hidden = lazyregexp.New(`^(?:runtime[./]|panic\(|goroutine |` + regexp.QuoteMeta(module) + `internal/panics\.(?:\(|At|Catch|Go|Keep|Recover|recovered|Within))`)

// Recover, deferred, sets *err to the panic of the surrounding function, joined with the
// error that was there. The argument at is the file or the step being processed. It is
// ignored if the panic has one already.
func Recover(err *error, at string) {
	if value := recover(); value != nil {
		fault := recovered(value)
		if fault.At == "" {
			fault.At = at
		}
		*err = errors.Join(fault, *err)
	}
}

// At, deferred, adds the file or the step being processed to a panic, unless it has one
// already, and panics again.
func At(at string) {
	if value := recover(); value != nil {
		fault := recovered(value)
		if fault.At == "" {
			fault.At = at
		}
		panic(fault)
	}
}

// Catch calls f and returns its error, or its panic as an *Error.
func Catch(at string, f func() error) (err error) {
	defer Recover(&err, at)
	return f()
}

// CallContext calls f, which cannot be interrupted, in a goroutine. It returns the error of f,
// or that of ctx if ctx is done first. f is then left running.
func CallContext(ctx context.Context, f func() error) error {
	ended := make(chan error, 1)
	Go(func() { ended <- f() }, func(err error) { ended <- err })
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Go calls f in a goroutine, and calls failed with its panic, if any, as an *Error.
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

// recovered returns the Error of a recovered value. If value is an *Error already,
// because a waiting goroutine passed it on, the stack of that goroutine is appended.
func recovered(value any) *Error {
	err, _ := value.(error)
	fault := new(Error)
	switch {
	case !errors.As(err, &fault):
		return &Error{Value: value, Stack: string(debug.Stack())}
	case fault.first != nil:
		return fault
	}
	passed := *fault
	passed.first, passed.Stack = fault, fault.Stack+"\n"+string(debug.Stack())
	return &passed
}

// same reports whether two errors are of the same panic.
func (e *Error) same(other *Error) bool { return cmp.Or(e.first, e) == cmp.Or(other.first, other) }
