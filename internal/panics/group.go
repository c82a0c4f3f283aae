package panics

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Group is an errgroup.Group that has a panic of one of its functions as an error.
type Group struct {
	once  sync.Once
	group *errgroup.Group
	ctx   context.Context
}

// WithContext gives a Group, and a context that ends with its first error.
func WithContext(ctx context.Context) (*Group, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return &Group{group: group, ctx: ctx}, ctx
}

func (g *Group) errgroup() *errgroup.Group {
	g.once.Do(func() {
		if g.group == nil {
			g.group = &errgroup.Group{}
		}
	})
	return g.group
}

// SetLimit bounds how many functions run at once.
func (g *Group) SetLimit(n int) { g.errgroup().SetLimit(n) }

// Go calls f in a goroutine, as soon as the limit lets it.
func (g *Group) Go(f func() error) {
	g.errgroup().Go(func() error {
		err := Catch("", f)
		if fault := new(Error); g.ctx != nil && errors.As(err, &fault) {
			keep(g.ctx, fault) // whoever waits may think little of the error
		}
		return err
	})
}

// Wait waits for all functions and gives the first error.
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

func (g *WaitGroup) keep(fault *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault == nil {
		g.fault = fault
	}
}

// Wait waits for all functions.
func (g *WaitGroup) Wait() {
	g.group.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		panic(g.fault)
	}
}
