package printer

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks/report"
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
	size   func() (columns, rows int)
	past   *lines
	active []*activity
	// drawn is how many lines stand at the bottom.
	drawn int
	// last is when they were drawn.
	last    time.Time
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

// NewLive gives a Live on w, whose size is asked for at each frame (0 for unknown).
// Close ends it.
func NewLive(w io.Writer, style Style, size func() (columns, rows int)) *Live {
	l := &Live{w: w, style: style, size: size, done: make(chan struct{}), tick: time.NewTicker(frame)}
	style.AfterFunc = func(time.Duration, func()) func() bool { return func() bool { return true } } // what goes on stands at the bottom
	l.past = &lines{w: w, style: style, started: map[string]*started{}, pace: NewPace(style.Now)}
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
	l.leave()
}

// Leave is Close for a process that ends at once: it waits for a frame that is being
// drawn, but not for a terminal that takes nothing.
func (l *Live) Leave() {
	left := make(chan struct{})
	panics.Go(func() {
		defer close(left)
		l.close()
	}, func(error) {})
	select {
	case <-left:
	case <-time.After(frame):
	}
}

func (l *Live) leave() {
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
func (l *Live) Event(e report.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	switch e.Kind {
	case report.Progress, report.Advance:
		known := len(l.active)
		if l.begin(e); len(l.active) > known || l.style.Now().Sub(l.last) >= frame {
			l.redraw("")
		}
		return // otherwise the next frame shows it
	case report.Start:
		l.begin(e)
	case report.Done, report.Failed:
		l.end(e)
	case report.Status:
		if final(e.Message) || e.Step != "run" {
			l.end(e)
		} else if a := l.begin(e); !strings.HasPrefix(e.Message, "waits") || l.fits(a) {
			l.redraw("")
			return
		} // why it waits, and what to do, is said whole
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
	case "succeeded", "failed", "upstream_failed", "stopped", "skipped", "done", "not":
		return true
	}
	return false
}

func (l *Live) begin(e report.Event) *activity {
	e.Subject, e.Message = shortSubject(Clean(e.Subject)), Brief(Clean(strings.ReplaceAll(e.Message, "\t", " "))) // a row of its own
	for _, a := range l.active {
		if a.step == e.Step && a.subject == e.Subject {
			a.message = e.Message
			return a
		}
	}
	a := &activity{e.Step, e.Subject, e.Message, l.style.Now()}
	l.active = append(l.active, a)
	return a
}

// fits tells whether the row of a shows all of it.
func (l *Live) fits(a *activity) bool {
	wide, _ := l.size()
	return wide <= 0 || columns(l.row(a)) < wide
}

func (l *Live) row(a *activity) string {
	return fmt.Sprintf("◌ %-8s %s  %s  %s", a.step, a.subject, a.message, l.style.Now().Sub(a.since).Round(frame))
}

func (l *Live) end(e report.Event) {
	subject := shortSubject(Clean(e.Subject))
	l.active = slices.DeleteFunc(l.active, func(a *activity) bool { return a.step == e.Step && a.subject == subject })
}

// redraw writes over what stands at the bottom: text, and then what goes on.
func (l *Live) redraw(text string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", l.drawn) // to the first column, which an echoed ^C has left; cursor up, erase below: ECMA-48
	}
	b.WriteString(text)
	rows := l.rows()
	for _, row := range rows {
		b.WriteString(l.past.paint(dim, row) + "\n")
	}
	l.drawn, l.last = len(rows), l.style.Now()
	_, _ = io.WriteString(l.w, b.String()) // where the terminal is gone, nobody is there to tell
}

// rows are what goes on, as far as the terminal shows it: each in one row, which redraw
// counts, and no more of them than it can go back over.
func (l *Live) rows() []string {
	wide, high := l.size()
	var rows []string
	for n, a := range l.active {
		row := l.row(a)
		if left := len(l.active) - n; high > 0 && left > 1 && n >= high-2 {
			return append(rows, fmt.Sprintf("◌ and %d more", left))
		}
		if wide > 0 {
			row = clip(row, wide-1)
		}
		rows = append(rows, row)
	}
	return rows
}
