package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
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
	return &lines{w: w, style: style, started: map[string]time.Time{}, told: map[string]time.Time{}}
}

type lines struct {
	mu      sync.Mutex
	w       io.Writer
	style   Style
	started map[string]time.Time
	// told is when it was last told how far a step is, from its first progress on.
	told map[string]time.Time
}

// progressEvery is how often a line says how far a step is that goes on for long.
const progressEvery = 15 * time.Second

func (l *lines) progress(key string, e Event) {
	now := l.style.Now()
	since, ok := l.told[key]
	if ok && now.Sub(since) < progressEvery {
		return
	}
	l.told[key] = now
	l.step("·", dim, e, l.style.Quiet || !ok)
}

func (l *lines) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := e.Step + "\x00" + e.Subject
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
			l.print(l.paint(dim, fmt.Sprintf("  %s | ", e.Subject)) + e.Message)
		}
	case Note:
		l.print(l.paint(bold, "note: ") + Brief(Harmless(below(e.Message))))
	case Warning:
		l.print(l.paint(yellow, "warning: ") + Brief(Harmless(below(e.Message))))
	case Detail:
		l.step(" ", dim, e, !l.style.Verbose)
	case Advance:
		l.step("·", dim, e, l.style.Quiet)
	case Progress:
		l.progress(key, e)
	}
}

func (l *lines) step(mark, color string, e Event, hidden bool) {
	if hidden {
		return
	}
	l.print(fmt.Sprintf("%s %-8s %s  %s", l.paint(color, mark), e.Step, Harmless(e.Subject), Brief(Harmless(below(e.Message)))))
}

// print ignores errors: where standard error is gone, nobody is there to tell.
func (l *lines) print(line string) { _, _ = io.WriteString(l.w, line+"\n") }

// failing tells whether a status, which a message begins with, is a failure.
func failing(message string) bool {
	status, _, _ := strings.Cut(message, ":")
	return status == "failed" || status == "upstream_failed" || status == "not submitted"
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
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
