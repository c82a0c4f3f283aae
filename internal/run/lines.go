package run

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// tail is how many last lines an outcome keeps.
	tail = 20
	// longest is how much of one line is told, in bytes.
	longest = 1 << 20
	// batchLines and batchBytes bound how much waits to be told by time, and
	// heldBytes how much waits for a proof that nothing is missing before it.
	batchLines, batchBytes, heldBytes = 4096, 4 << 20, 16 << 20
	// mostLines is the largest number of last lines of a container that servers
	// which leave some out give at once.
	mostLines = 6000
)

// lines tells every line of a run once, and those of a container in order, out
// of readings that repeat and leave out some: live answers are the server's best
// effort, pods are read whole while they exist, and the archive is whole in the
// end. What it keeps does not grow with the log.
type lines struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink

	// read is when, by the server's clock, the last live answer was asked for that was
	// whole; zero when that is not known.
	read    time.Time
	print   fingerprint
	streams map[key]*stream
	// tails are the logs of pods that are open, nil where none is to be.
	tails map[key]*podReading
	// until is how long what is open is waited for once the run has ended.
	until time.Time
	batch []timed
	bytes int
	final []string
	// torn is set once it was told that lines wait for the archive.
	torn bool
	// busy tells that the last reading brought so much that the next should come soon.
	busy bool
	// whole tells that the pods' logs were read to their end, and incomplete that some
	// of them were gone before they were read.
	whole, incomplete bool
	// forbidden is set once it was told that pods cannot be read.
	forbidden bool
}

// key names a container.
type key struct{ pod, container string }

// timed is a line that is told next. Its time never goes back within a container,
// so that sorting by it keeps the container's order.
type timed struct {
	at     int64
	stream *stream
	line   polyaxon.LogLine
}

func newLines(c *polyaxon.Client, t Target, o FollowOptions, sink Sink) *lines {
	return &lines{client: c, target: t, options: o, sink: sink, print: fingerprint{maphash.MakeSeed()}, streams: map[key]*stream{}}
}

// reading is one answer, or one way through the archive or the pods.
type reading struct {
	*lines
	chunks map[key]*chunk
	// whole tells that the reading leaves out nothing that was printed after what
	// was told.
	whole bool
	// since is the time from which the reading was asked for, zero for all.
	since time.Time
	// newcomers tells that containers came up whose beginning was not asked for.
	newcomers bool
	total     int
	held      int
}

func (l *lines) reading(whole bool, since time.Time) *reading {
	return &reading{lines: l, chunks: map[key]*chunk{}, whole: whole, since: since}
}

// take takes the reading's next line.
func (r *reading) take(line polyaxon.LogLine) error {
	if !r.options.AllContainers && !main(line.Container) {
		return nil
	}
	if r.options.Whole && strings.HasSuffix(line.Value, "\r") {
		r.goes(line.Value) // the sandbox's, whose lines have none at their end
		return nil
	}
	r.total++
	line.Timestamp = line.Timestamp.UTC().Truncate(time.Microsecond)
	c := r.chunk(line.Pod, line.Container)
	if c == nil {
		return nil
	}
	m, blank := r.print.mark(&line), strings.TrimSpace(line.Value) == ""
	switch {
	case !c.fresh(m, blank):
		c.torn = false
		r.release(c)
	case c.attached:
		r.tell(c, m, blank, line)
	default:
		r.hold(c, line)
	}
	return nil
}

// knows tells whether a line was told before the reading began.
func (r *reading) knows(line *polyaxon.LogLine) bool {
	c := r.chunk(line.Pod, line.Container)
	m := r.print.mark(line)
	return c != nil && (m.at <= c.before || c.left[m.hash] > 0)
}

// chunk gives what is read of a container, nil when its beginning is missing.
func (r *reading) chunk(pod, container string) *chunk {
	c := r.chunks[key{pod, container}]
	if c != nil {
		return c
	}
	k := key{strings.Clone(pod), strings.Clone(container)} // lets go of the answer
	s := r.streams[k]
	if s == nil {
		if !r.whole && !r.since.IsZero() {
			r.newcomers = true
			return nil
		}
		s = newStream()
		r.streams[k] = s
	}
	c = s.read()
	c.attached = r.whole
	r.chunks[k] = c
	return c
}

// hold keeps a new line until it is known whether lines are missing before it.
func (r *reading) hold(c *chunk, line polyaxon.LogLine) {
	c.held = append(c.held, line)
	r.held += len(line.Value)
	switch {
	case c.count > mostLines:
		c.attached, c.torn = true, false // nobody cut this answer
		r.release(c)
	case r.held > heldBytes:
		c.torn, c.held = true, nil
	}
}

// release tells what was held.
func (r *reading) release(c *chunk) {
	for _, line := range c.held {
		r.tell(c, r.print.mark(&line), strings.TrimSpace(line.Value) == "", line)
	}
	c.held = nil
}

// tell passes a line on, with others, by time.
func (r *reading) tell(c *chunk, m mark, blank bool, line polyaxon.LogLine) {
	c.add(m, blank)
	r.bytes += len(line.Value)
	r.batch = append(r.batch, timed{c.newest, c.stream, line})
	if len(r.batch) >= batchLines || r.bytes >= batchBytes {
		r.flush()
	}
}

// end ends a reading that was not cut.
func (r *reading) end() {
	r.settle()
	r.busy = r.total > batchLines/8
	r.flush()
}

// settle tells what is held, unless the server may have left out lines before it.
func (r *reading) settle() {
	now := r.options.Clock.Now()
	for k, c := range r.chunks {
		switch {
		case r.whole:
			c.torn = false
			if lost := c.skipped - c.already; lost > 0 {
				r.sink.Note(fmt.Sprintf("%d lines of %s were not shown: its log began anew before they were read; slipway logs %s shows all that is archived",
					lost, k.container, r.target.UUID))
				c.told += lost // said once
			}
		case c.torn, len(c.held) == 0:
		case r.options.Whole, !capped(c.count):
			// A log that does not reach back so far any more: the container was started
			// anew, or its log was rotated. Nobody has what was before.
			r.release(c)
		default:
			c.torn = true
		}
		if c.count > c.skipped {
			c.heard = now
		}
		if c.torn && !r.torn {
			r.torn = true
			r.sink.Note(fmt.Sprintf("%s prints more at once than Polyaxon hands out while it runs: what follows is shown when the run has ended, "+
				"so that no line is left out (where slipway.yaml gives access to the cluster, pods are read directly)", k.container))
		}
	}
}

// capped tells whether an answer with so many lines of a container may have been
// cut at its beginning: servers give the last 2000 (1.11.3) or 6000 (2.18), and
// some of these may be left out.
func capped(n int) bool { return n >= 1900 && n <= 2000 || n >= 5900 && n <= mostLines }

// flush tells the batch.
func (l *lines) flush() {
	for i := range l.batch {
		if l.batch[i].stream != l.batch[0].stream {
			slices.SortStableFunc(l.batch, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
			break
		}
	}
	for i := range l.batch {
		line := l.batch[i].line
		line.Value = shorten(settled(line.Value))
		l.sink.Line(line)
		if len(l.batch)-i <= tail {
			l.final = append(l.final, Sanitize(line.Value))
			l.final = l.final[max(0, len(l.final)-tail):]
		}
	}
	clear(l.batch) // lets go of the texts
	l.batch, l.bytes = l.batch[:0], 0
}

// goes tells the state that a line has just now which a program redraws.
func (l *lines) goes(state string) { l.sink.Progress(settled(state)) }

// settled gives the last state of a line that a program has redrawn, as progress bars
// are: what follows its last carriage return, unless that is blank.
func settled(value string) string {
	for {
		value = strings.TrimRight(value, "\r")
		begin := strings.LastIndexByte(value, '\r') + 1
		if begin == 0 || strings.TrimSpace(value[begin:]) != "" {
			return value[begin:]
		}
		value = value[:begin-1]
	}
}

// shorten cuts what is too long of a line, and says so.
func shorten(value string) string {
	if len(value) <= longest {
		return value
	}
	cut := longest
	for cut > longest-utf8.UTFMax && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return fmt.Sprintf("%s [slipway: the line goes on for %d bytes]", value[:cut], len(value)-cut)
}

func (l *lines) last() []string { return l.final }

// main tells whether a container is the one that runs the user's program, by the
// names that Polyaxon gives them.
func main(container string) bool {
	switch container {
	case "polyaxon-main", "tensorflow", "pytorch", "mpi", "":
		return true
	}
	return false
}
