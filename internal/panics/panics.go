// Package panics makes a panic the error, or the panic, of who waits for the work,
// so that no fault of slipway ends the process from a goroutine, or goes unseen. All
// goroutines are started by it; a test walks the sources for others.
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
)

// Error is a panic that was recovered: a fault of slipway.
type Error struct {
	// Value is what the panic was called with.
	Value any
	// Stack is where, and below it who waited, when that was another goroutine.
	Stack string
	// At is the file or the step at hand, empty when it is not known.
	At string
	// first is the one that this is with the stack of who waited; nil for itself.
	first *Error
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

// module begins the names of slipway's own functions.
const module = "github.com/slipway-ci/slipway/"

// frames gives the innermost place, and those in slipway's own code around it.
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
		if places = slices.Compact(append(places, at)); len(places) == mostFrames {
			break
		}
	}
	return places
}

// hidden are the functions that every panic passes.
var hidden = regexp.MustCompile(`^(?:runtime[./]|panic\(|goroutine |` + regexp.QuoteMeta(module) + `internal/panics\.(?:\(|At|Catch|Go|Keep|Recover|recovered|Within))`)

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

// At, deferred, names the file or the step at hand to a panic that passes, unless it has
// one that is nearer.
func At(at string) {
	if value := recover(); value != nil {
		fault := recovered(value)
		if fault.At == "" {
			fault.At = at
		}
		panic(fault)
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
// already when who waited for another goroutine passed it on, with its stack.
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

// same reports whether two are of one panic.
func (e *Error) same(other *Error) bool { return cmp.Or(e.first, e) == cmp.Or(other.first, other) }
