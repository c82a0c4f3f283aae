package testbed

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Lasting is what the tests of a package share because it is slow to start. It ends
// when Run returns, which is the tests' TestMain.
type Lasting struct {
	once sync.Once
	host string
	ends []func()
}

// Polyaxon gives a server as the function Polyaxon does. The first test that asks for it
// starts it; each has projects of its own on it.
func (l *Lasting) Polyaxon(t testing.TB) string {
	t.Helper()
	component(t, "haupt (Polyaxon 2.18)", filepath.Join("haupt", "bin", "haupt"))
	l.once.Do(func() { l.host = startHaupt(&lasting{t, l}, inTurn).Host })
	if l.host == "" {
		t.Fatal("the server that tests share did not start")
	}
	return l.host
}

// Run runs the tests and ends what they shared.
func (l *Lasting) Run(tests interface{ Run() int }) int {
	defer func() {
		for _, end := range slices.Backward(l.ends) {
			end()
		}
	}()
	return tests.Run()
}

// lasting is a test whose cleanups wait for the end of all tests.
type lasting struct {
	testing.TB
	all *Lasting
}

// Cleanup keeps a function for the end.
func (t *lasting) Cleanup(f func()) { t.all.ends = append(t.all.ends, f) }
