package panics

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Group is an errgroup.Group that returns a panic of one of its functions as an error.
type Group struct {
	once  sync.Once
	group *errgroup.Group
	ctx   context.Context
}

// WithContext returns a Group, and a context that is canceled by the first error of the
// group or when Wait returns.
func WithContext(ctx context.Context) (*Group, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return &Group{group: group, ctx: ctx}, ctx
}

// errgroup returns the underlying group. It makes one for the zero Group.
func (g *Group) errgroup() *errgroup.Group {
	g.once.Do(func() {
		if g.group == nil {
			g.group = &errgroup.Group{}
		}
	})
	return g.group
}

// SetLimit limits the number of functions that run at once. It must not be called while
// functions are running.
func (g *Group) SetLimit(n int) { g.errgroup().SetLimit(n) }

// Go calls f in a goroutine. It blocks while the limit is reached.
func (g *Group) Go(f func() error) {
	g.errgroup().Go(func() error {
		err := Catch("", f)
		if fault := new(Error); g.ctx != nil && errors.As(err, &fault) {
			keep(g.ctx, fault) // the caller of Wait might ignore the error
		}
		return err
	})
}

// Wait waits for all functions and returns the first error.
func (g *Group) Wait() error { return g.errgroup().Wait() }

// WaitGroup is a sync.WaitGroup whose Wait panics with the first panic of one of its
// functions.
type WaitGroup struct {
	group sync.WaitGroup
	mu    sync.Mutex
	fault *Error
}

// Go calls f in a goroutine.
func (g *WaitGroup) Go(f func()) {
	g.group.Add(1)
	go func() {
		defer g.group.Done()
		defer func() {
			if value := recover(); value != nil {
				g.keep(recovered(value))
			}
		}()
		f()
	}()
}

// keep records the first panic.
func (g *WaitGroup) keep(fault *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault == nil {
		g.fault = fault
	}
}

// WaitAtMost waits as Wait does, but not for longer than limit. Functions that have not ended by
// then are left running.
func (g *WaitGroup) WaitAtMost(limit time.Duration) {
	ended := make(chan struct{})
	go func() {
		g.group.Wait()
		close(ended)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ended:
		g.Wait()
	case <-timer.C:
	}
}

// Wait waits for all functions. It panics with an *Error if one of them panicked.
func (g *WaitGroup) Wait() {
	g.group.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		panic(g.fault)
	}
}
