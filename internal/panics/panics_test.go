package panics

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func provoke() { panic("provoked") }

func TestGroups(t *testing.T) {
	group, ctx := WithContext(t.Context())
	group.Go(func() error { <-ctx.Done(); return nil }) // ends with the other one
	group.Go(func() error { provoke(); return nil })
	var fault *Error
	if err := group.Wait(); !errors.As(err, &fault) || fault.Value != "provoked" {
		t.Errorf("%v", err)
	}
	watched, faults := Watch(t.Context())
	group, _ = WithContext(watched)
	group.Go(func() error { provoke(); return nil })
	if _ = group.Wait(); !errors.As(faults(), &fault) {
		t.Error("the fault is not kept")
	}
	err := Catch("train.yml", func() error {
		var all WaitGroup
		ended := false
		defer func() {
			if !ended {
				t.Error("the others were not waited for")
			}
		}()
		all.Go(provoke)
		all.Go(func() { ended = true })
		all.Wait()
		return nil
	})
	if !errors.As(err, &fault) || fault.At != "train.yml" || !strings.Contains(err.Error(), "panics_test.go:") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(fault.Stack, "panics.provoke") || !strings.Contains(fault.Stack, "panics.TestGroups.") {
		t.Errorf("it does not say where, and who waited:\n%s", fault.Stack)
	}
	told := make(chan error)
	Go(provoke, func(err error) { told <- err })
	if err := <-told; !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := CallContext(ctx, func() error { cancel(); select {} }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := CallContext(t.Context(), func() error { provoke(); return nil }); !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
	if err := Catch("", func() error { return context.Canceled }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestPanicsInCallbacks has a function panic that uses Keep. The panic must reach
// the context of WithCancelOnPanic and that of Watch above it.
func TestPanicsInCallbacks(t *testing.T) {
	watched, faults := Watch(t.Context())
	ctx, end := WithCancelOnPanic(watched)
	defer end(nil)
	if Cause(ctx) != nil {
		t.Error("a fault before there is one")
	}
	err := func() (err error) {
		defer Keep(ctx, &err, "train.yml")
		provoke()
		return nil
	}()
	for what, err := range map[string]error{"the call": err, "the part": Cause(ctx), "all": faults()} {
		if fault := new(Error); !errors.As(err, &fault) || fault.At != "train.yml" || fault.Value != "provoked" {
			t.Errorf("%s has %v", what, err)
		}
	}
	ctx, end = WithCancelOnPanic(watched)
	if end(errors.New("another reason")); ctx.Err() == nil || Cause(ctx) != nil {
		t.Errorf("ended for another reason it has %v", Cause(ctx))
	}
}
