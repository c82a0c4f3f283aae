package printer

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Style says how Lines looks.
type Style struct {
	// Color: the output is a terminal that shows colours (and NO_COLOR is not set).
	Color bool
	// Quiet leaves only warnings, notes and failures.
	Quiet bool
	// Verbose adds details.
	Verbose bool
	// Now gives the time, for how long a step took.
	Now func() time.Time
	// AfterFunc has f called once d has passed, unless stop is called before; time.AfterFunc
	// when nil.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// begun is how long a step may go on before a line says that it has begun. One that is
// over sooner has the line of its end alone.
const begun = 250 * time.Millisecond

// Lines gives a sink that writes one line per event to w:
//
//	✓ build   quickstart  2.1 MB in 3 layers (0.2s)
//	  train | epoch 10: loss 0.21
//
// It is safe for use by several goroutines.
func Lines(w io.Writer, style Style) report.Sink {
	if style.AfterFunc == nil {
		style.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	return &lines{w: w, style: style, started: map[string]*started{}, pace: NewPace(style.Now)}
}

type lines struct {
	mu      sync.Mutex
	w       io.Writer
	style   Style
	started map[string]*started
	pace    *Pace
	// fault is a panic of the timer that tells a beginning: the next event has it.
	fault error
}

// started is a step that has begun.
type started struct {
	at    time.Time
	event report.Event
	stop  func() bool
	told  bool
}

// start notes that a step has begun, and tells so when it has not ended soon.
func (l *lines) start(e report.Event) {
	l.end(e)
	s := &started{at: l.style.Now(), event: e, told: l.style.Quiet}
	l.started[key(e)] = s
	if l.style.Verbose {
		l.tell(s)
		return
	}
	s.stop = l.style.AfterFunc(begun, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.started[key(e)] == s {
			l.fault = panics.Catch("", func() error { l.tell(s); return nil })
		}
	})
}

// tell tells once that a step has begun.
func (l *lines) tell(s *started) {
	l.step("·", dim, s.event, s.told)
	s.told = true
}

// end notes that a step has ended, and returns it; nil for one that had no beginning.
func (l *lines) end(e report.Event) *started {
	s := l.started[key(e)]
	delete(l.started, key(e))
	if s != nil && s.stop != nil {
		s.stop()
	}
	return s
}

// progress tells how far a step is, now and then, and not where it ends soon.
func (l *lines) progress(e report.Event) { l.step("·", dim, e, l.style.Quiet || !l.pace.Due(e)) }

func (l *lines) Event(e report.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		panic(l.fault)
	}
	switch e.Kind {
	case report.Start:
		l.start(e)
	case report.Done:
		if s := l.end(e); s != nil {
			e.Message = fmt.Sprintf("%s (%s)", e.Message, l.style.Now().Sub(s.at).Round(10*time.Millisecond))
		}
		l.step("✓", green, e, l.style.Quiet)
	case report.Failed:
		l.end(e)
		l.step("✗", red, e, false)
	case report.Status:
		if failing(e.Message) {
			l.step("✗", red, e, l.style.Quiet)
			return
		}
		l.step("→", dim, e, l.style.Quiet)
	case report.Line:
		if !l.style.Quiet {
			l.print(l.paint(dim, fmt.Sprintf("  %s | ", Clean(e.Subject))) + plainAfter(run.Sanitize(e.Message)))
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
	l.print(fmt.Sprintf("%s %-8s %s  %s", l.paint(color, mark), e.Step, shortSubject(Clean(e.Subject)), message(e)))
}

// message gives what an event says. Lines after its first are set off from those of
// other events.
func message(e report.Event) string { return Brief(strings.ReplaceAll(Plain(e.Message), "\n", "\n  ")) }

// print ignores errors: where standard error is gone, nobody is there to tell.
func (l *lines) print(line string) { _, _ = io.WriteString(l.w, line+"\n") }

// failing tells whether a status, which a message begins with, is a failure.
func failing(message string) bool {
	status, _, _ := strings.Cut(message, ":")
	return status == "failed" || status == "upstream_failed" || status == "not submitted"
}

// Ended gives a message that tells a failure without why.
func Ended(message string) string {
	if status, _, ok := strings.Cut(message, ":"); ok && failing(message) && status != "not submitted" {
		return status
	}
	return message
}

// SGR codes of ECMA-48.
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

// plainAfter ends the colours of a job's line with the line.
func plainAfter(line string) string {
	if !strings.Contains(line, "\x1b[") || strings.HasSuffix(line, "\x1b[0m") || strings.HasSuffix(line, "\x1b[m") {
		return line
	}
	return line + "\x1b[0m"
}
