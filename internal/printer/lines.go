package printer

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Style says how the lines of a sink look.
type Style struct {
	// Color is set if the output is a terminal that shows colours, and NO_COLOR is not set.
	Color bool
	// Quiet hides everything but warnings, notes and failures.
	Quiet bool
	// Verbose shows details, too.
	Verbose bool
	// Now returns the current time. It is used to print for how long a step has been active.
	Now func() time.Time
	// AfterFunc calls f once d has passed, unless stop is called before. It defaults to
	// time.AfterFunc.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// at returns the time of an event. It is now if the event has none.
func (s Style) at(e report.Event) time.Time {
	if e.Time.IsZero() {
		return s.Now()
	}
	return e.Time
}

// announceAfter is how long a step runs before a line says that it has begun. A step that ends
// sooner has only the line of its end.
const announceAfter = 250 * time.Millisecond

// Lines returns a sink that writes one line per event to w:
//
//	✓ build   quickstart  2.1 MB in 3 layers (0.2s)
//	  train | epoch 10: loss 0.21
//
// It is safe for concurrent use.
func Lines(w io.Writer, style Style) report.Sink {
	if style.AfterFunc == nil {
		style.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	return &lines{w: w, style: style, started: map[string]*started{}, throttle: NewThrottle(style.Now)}
}

type lines struct {
	mu       sync.Mutex
	w        io.Writer
	style    Style
	started  map[string]*started
	throttle *Throttle
	// fault is a panic in the timer of a step's beginning. The next event panics with it.
	fault error
}

// started is a step that has begun and not ended.
type started struct {
	at        time.Time
	event     report.Event
	stop      func() bool
	announced bool
}

// start records that a step has begun. It prints that at once if the style is verbose,
// and otherwise if the step has not ended after a while.
func (l *lines) start(e report.Event) {
	l.end(e)
	s := &started{at: l.style.at(e), event: e, announced: l.style.Quiet}
	l.started[key(e)] = s
	if l.style.Verbose {
		l.announce(s)
		return
	}
	s.stop = l.style.AfterFunc(announceAfter, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.started[key(e)] == s {
			l.fault = panics.Catch("", func() error { l.announce(s); return nil })
		}
	})
}

// announce prints that a step has begun, unless it did so before.
func (l *lines) announce(s *started) {
	l.step("·", dim, s.event, s.announced)
	s.announced = true
}

// end records that a step has ended, and returns it, or nil if the step has no beginning.
func (l *lines) end(e report.Event) *started {
	s := l.started[key(e)]
	delete(l.started, key(e))
	if s != nil && s.stop != nil {
		s.stop()
	}
	return s
}

// progress prints the progress of a step, at most as often as l.pace allows.
func (l *lines) progress(e report.Event) { l.step("·", dim, e, l.style.Quiet || !l.throttle.Due(e)) }

// Event implements report.Sink.
func (l *lines) Event(e report.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		panic(l.fault)
	}
	e.Message = eventText(e)
	switch e.Kind {
	case report.Start:
		l.start(e)
	case report.Done:
		if s := l.end(e); s != nil {
			e.Message = fmt.Sprintf("%s (%s)", e.Message, l.style.at(e).Sub(s.at).Round(10*time.Millisecond))
		}
		l.step("✓", green, e, l.style.Quiet)
	case report.Failed:
		l.end(e)
		l.step("✗", red, e, false)
	case report.Status:
		if failing(e) {
			l.step("✗", red, e, l.style.Quiet)
			return
		}
		l.step("→", dim, e, l.style.Quiet)
	case report.Line:
		if !l.style.Quiet {
			l.print(l.paint(dim, fmt.Sprintf("  %s | ", EscapeLine(e.Subject))) + plainAfter(logline.Sanitize(e.Message)))
		}
	case report.Note:
		l.print(l.paint(bold, "note: ") + message(e))
	case report.Warning:
		l.print(l.paint(yellow, "warning: ") + message(e))
	case report.Detail:
		l.step(" ", dim, e, !l.style.Verbose)
	case report.Advance:
		l.step("·", dim, e, l.style.Quiet)
	case report.Progress:
		l.progress(e)
	}
}

func (l *lines) step(mark, color string, e report.Event, hidden bool) {
	if hidden {
		return
	}
	l.print(fmt.Sprintf("%s %-8s %s  %s", l.paint(color, mark), e.Step, shortSubject(EscapeLine(e.Subject)), message(e)))
}

// message returns the text of an event. Lines after the first are indented, so that they
// do not look like other events.
func message(e report.Event) string {
	return ShortenIDs(strings.ReplaceAll(EscapeText(e.Message), "\n", "\n  "))
}

// print ignores errors: there is no other place to report that standard error is gone.
func (l *lines) print(line string) { _, _ = io.WriteString(l.w, line+"\n") }

// The SGR codes of ECMA-48.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (l *lines) paint(code, text string) string {
	if !l.style.Color {
		return text
	}
	return paint(code, text)
}

func paint(code, text string) string { return "\x1b[" + code + "m" + text + "\x1b[0m" }

// plainAfter resets the colours of a job's line at the end of the line.
func plainAfter(line string) string {
	if !strings.Contains(line, "\x1b[") || strings.HasSuffix(line, "\x1b[0m") || strings.HasSuffix(line, "\x1b[m") {
		return line
	}
	return line + "\x1b[0m"
}
