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

// frame is how often the times of active steps are redrawn.
const frame = 100 * time.Millisecond

// Live is a sink for a terminal. The active steps are the last lines of the screen, each
// with its progress and its time so far. Everything that is over is printed above them,
// as Lines does. It is safe for concurrent use.
type Live struct {
	mu     sync.Mutex
	w      io.Writer
	style  Style
	size   func() (columns, rows int)
	past   *lines
	active []*activity
	// drawn is the number of lines of active steps on the screen.
	drawn int
	// last is when they were drawn.
	last    time.Time
	closed  bool
	tick    *time.Ticker
	done    chan struct{}
	drawing panics.WaitGroup
}

// activity is an active step.
type activity struct {
	step, subject, message string
	since                  time.Time
}

// NewLive returns a Live that writes to w. size returns the size of the terminal and is
// called for each frame; 0 is unknown. The caller must call Close or Leave.
func NewLive(w io.Writer, style Style, size func() (columns, rows int)) *Live {
	l := &Live{w: w, style: style, size: size, done: make(chan struct{}), tick: time.NewTicker(frame)}
	style.AfterFunc = func(time.Duration, func()) func() bool { return func() bool { return true } } // active steps have a line already
	l.past = &lines{w: w, style: style, started: map[string]*started{}, throttle: NewThrottle(style.Now)}
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

// Close removes the lines of active steps. Nothing is written after it returns.
func (l *Live) Close() {
	l.close()
	l.drawing.Wait()
}

func (l *Live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave()
}

// Leave is Close for a process that is about to end. It waits for a frame that is being
// drawn, but no longer than the time of one frame, as the terminal may be stuck.
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

// Event implements report.Sink.
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
		return // the next frame shows it
	case report.Start:
		l.begin(e)
	case report.Done, report.Failed:
		l.end(e)
	case report.Status:
		if Ended(e) || e.Step != "run" {
			l.end(e)
		} else if a := l.begin(e); !e.Waits || l.fits(a) {
			l.redraw("")
			return
		} // too long for its row, so the message is printed above, too
	}
	// Print what is over into a buffer, so that it can be written above the active steps.
	var over strings.Builder
	l.past.w = &over
	l.past.Event(e)
	l.redraw(over.String())
}

// begin adds an active step, or updates its message if it is active already.
func (l *Live) begin(e report.Event) *activity {
	e.Subject, e.Message = shortSubject(EscapeLine(e.Subject)), ShortenIDs(EscapeLine(strings.ReplaceAll(eventText(e), "\t", " "))) // must fit in one row
	for _, a := range l.active {
		if a.step == e.Step && a.subject == e.Subject {
			a.message = e.Message
			return a
		}
	}
	a := &activity{e.Step, e.Subject, e.Message, l.style.at(e)}
	l.active = append(l.active, a)
	return a
}

// fits reports whether the row of a fits the terminal's width.
func (l *Live) fits(a *activity) bool {
	wide, _ := l.size()
	return wide <= 0 || columns(l.row(a)) < wide
}

func (l *Live) row(a *activity) string {
	return fmt.Sprintf("◌ %-8s %s  %s  %s", a.step, a.subject, a.message, l.style.Now().Sub(a.since).Round(frame))
}

func (l *Live) end(e report.Event) {
	subject := shortSubject(EscapeLine(e.Subject))
	l.active = slices.DeleteFunc(l.active, func(a *activity) bool { return a.step == e.Step && a.subject == subject })
}

// redraw replaces the active steps on the screen by text and the current active steps.
func (l *Live) redraw(text string) {
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", l.drawn) // column 1, as an echoed ^C may have moved the cursor; then up and erase below (ECMA-48)
	}
	b.WriteString(text)
	rows := l.rows()
	for _, row := range rows {
		b.WriteString(l.past.paint(dim, row) + "\n")
	}
	l.drawn, l.last = len(rows), l.style.Now()
	_, _ = io.WriteString(l.w, b.String()) // there is no other place to report that the terminal is gone
}

// rows returns the rows of the active steps. Each fits into one row of the terminal, as
// redraw counts them, and there are no more than redraw can move the cursor over.
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
