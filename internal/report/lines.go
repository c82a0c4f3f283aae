package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/run"
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
}

// Lines gives a sink that writes one line per event to w:
//
//	✓ build   quickstart  2.1 MB in 3 layers (0.2s)
//	  train | epoch 10: loss 0.21
//
// It is safe for use by several goroutines.
func Lines(w io.Writer, style Style) Sink {
	return &lines{w: w, style: style, started: map[string]time.Time{}, pace: NewPace(style.Now)}
}

type lines struct {
	mu      sync.Mutex
	w       io.Writer
	style   Style
	started map[string]time.Time
	pace    *Pace
}

// progress tells how far a step is, now and then, and not where it ends soon.
func (l *lines) progress(e Event) { l.step("·", dim, e, l.style.Quiet || !l.pace.Due(e)) }

func (l *lines) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := e.key()
	switch e.Kind {
	case Start:
		l.started[key] = l.style.Now()
		l.step("·", dim, e, !l.style.Verbose)
	case Done:
		if since, ok := l.started[key]; ok {
			e.Message = fmt.Sprintf("%s (%s)", e.Message, l.style.Now().Sub(since).Round(10*time.Millisecond))
		}
		l.step("✓", green, e, l.style.Quiet)
	case Failed:
		l.step("✗", red, e, false)
	case Status:
		if failing(e.Message) {
			l.step("✗", red, e, l.style.Quiet)
			return
		}
		l.step("→", dim, e, l.style.Quiet)
	case Line:
		if !l.style.Quiet {
			l.print(l.paint(dim, fmt.Sprintf("  %s | ", Clean(e.Subject))) + plainAfter(run.Sanitize(e.Message)))
		}
	case Note:
		l.print(l.paint(bold, "note: ") + message(e))
	case Warning:
		l.print(l.paint(yellow, "warning: ") + message(e))
	case Detail:
		l.step(" ", dim, e, !l.style.Verbose)
	case Advance:
		l.step("·", dim, e, l.style.Quiet)
	case Progress:
		l.progress(e)
	}
}

func (l *lines) step(mark, color string, e Event, hidden bool) {
	if hidden {
		return
	}
	l.print(fmt.Sprintf("%s %-8s %s  %s", l.paint(color, mark), e.Step, shortSubject(Clean(e.Subject)), message(e)))
}

// message gives what an event says. Lines after its first are set off from those of
// other events.
func message(e Event) string { return Brief(strings.ReplaceAll(Plain(e.Message), "\n", "\n  ")) }

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
