package report

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/run"
)

// frame is how often the clock in a live tree moves on.
const frame = 100 * time.Millisecond

// Live is a sink for a terminal: what goes on now stands at the bottom, a line for
// each step with how far it is and for how long it has gone on, and what is over
// stands above it, as Lines tells it. It is safe for use by several goroutines.
type Live struct {
	mu     sync.Mutex
	w      io.Writer
	style  Style
	width  func() int
	past   *lines
	active []*activity
	// drawn is how many lines stand at the bottom.
	drawn   int
	closed  bool
	tick    *time.Ticker
	done    chan struct{}
	drawing panics.WaitGroup
}

// activity is one step that goes on.
type activity struct {
	step, subject, message string
	since                  time.Time
}

// NewLive gives a Live on w, whose width in columns is asked for at each frame
// (0 for unknown). Close ends it.
func NewLive(w io.Writer, style Style, width func() int) *Live {
	l := &Live{w: w, style: style, width: width, done: make(chan struct{}), tick: time.NewTicker(frame)}
	l.past = &lines{w: w, style: style, started: map[string]time.Time{}}
	l.drawing.Go(l.run)
	return l
}

func (l *Live) run() {
	for {
		select {
		case <-l.done:
			return
		case <-l.tick.C:
			l.frame()
		}
	}
}

func (l *Live) frame() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.active) > 0 {
		l.redraw("")
	}
}

// Close removes what stands at the bottom, and lets nothing be written any more.
func (l *Live) Close() {
	l.close()
	l.drawing.Wait()
}

func (l *Live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.active = nil
	l.redraw("")
	l.closed = true
	l.tick.Stop()
	close(l.done)
}

// Event implements Sink.
func (l *Live) Event(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	switch e.Kind {
	case Progress, Advance:
		l.begin(e)
		l.redraw("")
		return
	case Start:
		l.begin(e)
	case Done, Failed:
		l.end(e)
	case Status:
		if e.Step == "run" && !final(e.Message) {
			l.begin(e)
			l.redraw("")
			return
		}
		l.end(e)
	}
	// What is over is written as in a file, through a buffer, above what goes on.
	var over strings.Builder
	l.past.w = &over
	l.past.Event(e)
	l.redraw(over.String())
}

// final tells whether a run has ended by its status, which a message begins with.
func final(message string) bool {
	status, _, _ := strings.Cut(message, " ")
	switch strings.TrimSuffix(status, ":") {
	case "succeeded", "failed", "stopped", "skipped", "done", "not":
		return true
	}
	return false
}

func (l *Live) begin(e Event) {
	e.Message = Brief(run.Sanitize(e.Message)) // a row of its own
	for _, a := range l.active {
		if a.step == e.Step && a.subject == e.Subject {
			a.message = e.Message
			return
		}
	}
	l.active = append(l.active, &activity{e.Step, e.Subject, e.Message, l.style.Now()})
}

func (l *Live) end(e Event) {
	for i, a := range l.active {
		if a.step == e.Step && a.subject == e.Subject {
			l.active = append(l.active[:i], l.active[i+1:]...)
			return
		}
	}
}

// redraw writes over what stands at the bottom: text, and then what goes on.
func (l *Live) redraw(text string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", l.drawn) // to the first column, which an echoed ^C has left; cursor up, erase below: ECMA-48
	}
	b.WriteString(text)
	width := l.width()
	for _, a := range l.active {
		line := fmt.Sprintf("◌ %-8s %s  %s  %s", a.step, a.subject, a.message, l.style.Now().Sub(a.since).Round(frame))
		b.WriteString(l.past.paint(dim, clip(line, width)) + "\n")
	}
	l.drawn = len(l.active)
	_, _ = io.WriteString(l.w, b.String()) // where the terminal is gone, nobody is there to tell
}

// clip keeps a line from taking two rows, which redraw does not count.
func clip(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) < width {
		return line
	}
	runes := []rune(line)
	return string(runes[:max(0, width-2)]) + "…"
}
