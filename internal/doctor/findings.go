package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// findings are what is found out about one system. A check that has been given up may still
// add to them, which has no effect.
type findings struct {
	system string
	limit  time.Duration
	// done is closed when the system has been looked at.
	done chan struct{}

	mu     sync.Mutex
	taken  bool
	checks []report.Check
	causes []error
}

func (f *findings) add(outcome report.Outcome, what, detail, advice string, cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken {
		return
	}
	f.checks = append(f.checks, report.Check{System: f.system, What: what, Outcome: outcome, Detail: detail, Advice: advice})
	if cause != nil {
		f.causes = append(f.causes, cause)
	}
}

// attach attaches objects to apply to the last check.
func (f *findings) attach(manifest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.taken && len(f.checks) > 0 {
		f.checks[len(f.checks)-1].Manifest = manifest
	}
}

// ok adds that something is as it should be.
func (f *findings) ok(what, format string, args ...any) {
	f.add(report.CheckOK, what, fmt.Sprintf(format, args...), "", nil)
}

// warn adds something that a deploy works without.
func (f *findings) warn(what, detail, advice string) {
	f.add(report.CheckWarning, what, detail, advice, nil)
}

// hide adds something that cannot be checked.
func (f *findings) hide(what, detail, advice string) {
	f.add(report.CheckHidden, what, detail, advice, nil)
}

// fail adds what keeps a deploy from working. An error of the time limit says that there was
// no answer in time.
func (f *findings) fail(what string, err error, advice string) {
	if errors.Is(err, context.DeadlineExceeded) && !errors.As(err, new(*panics.Error)) {
		f.slow(what)
		return
	}
	f.add(report.CheckFailed, what, err.Error(), advice, err)
}

// slow adds that there was no answer in time.
func (f *findings) slow(what string) {
	err := fmt.Errorf("no answer in %s", f.limit)
	advice := "it may be down, or a firewall or a missing VPN may drop what is sent; --timeout waits longer"
	if f.system == "git" || f.system == "builder" { // no server
		advice = "this machine may be busy, or its disk slow; --timeout waits longer"
	}
	f.add(report.CheckSlow, what, err.Error(), advice, err)
}

// take returns the checks, adds their failures to failed, and ends the findings.
func (f *findings) take(failed *exit.ChecksError) []report.Check {
	select {
	case <-f.done:
	default:
		f.slow("answer")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = true
	failed.Causes = append(failed.Causes, f.causes...)
	for _, c := range f.checks {
		switch {
		case c.Outcome == report.CheckFailed:
			failed.Failed++
		case c.Outcome == report.CheckSlow && !slices.Contains(failed.Slow, f.system):
			failed.Slow = append(failed.Slow, f.system)
		}
	}
	return f.checks
}
