package testenv

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Shared holds components that all tests of a package share because they are slow to
// start. They are stopped when Run returns, which TestMain calls.
type Shared struct {
	once sync.Once
	host string
	ends []func()
}

// Polyaxon returns the address of a server like that of the function Polyaxon. The first
// test that calls it starts the server. Each test uses its own projects there.
func (l *Shared) Polyaxon(t testing.TB) string {
	t.Helper()
	component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "haupt"))
	l.once.Do(func() { l.host = startHaupt(&sharedTB{t, l}, inTurn).Host })
	if l.host == "" {
		t.Fatal("the server that tests share did not start")
	}
	return l.host
}

// Run runs the tests and stops the shared components.
func (l *Shared) Run(tests interface{ Run() int }) int {
	defer func() {
		for _, end := range slices.Backward(l.ends) {
			end()
		}
	}()
	return tests.Run()
}

// sharedTB is a testing.TB whose cleanups run after all tests.
type sharedTB struct {
	testing.TB
	all *Shared
}

// Cleanup registers a function that is called after all tests.
func (t *sharedTB) Cleanup(f func()) { t.all.ends = append(t.all.ends, f) }
