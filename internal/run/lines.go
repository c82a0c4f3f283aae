package run

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/metrics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// maxLastLines is the number of last lines that an outcome keeps.
	maxLastLines = 20
	// maxLastLine is the maximum length of a line that an outcome keeps, in bytes.
	maxLastLine = 16 << 10
	// maxLine is the maximum length of a line that is passed on, in bytes.
	maxLine = 1 << 20
	// batchLines and batchBytes limit the lines that are collected to be sorted by time.
	// heldBytes limits the lines that are held until it is known that none is missing before
	// them.
	batchLines, batchBytes, heldBytes = 4096, 4 << 20, 16 << 20
	// mostLines is the maximum number of lines of a container in a response of a server that
	// may leave out the lines before them.
	mostLines = 6000
)

// lines passes on every line of a run once, and the lines of a container in order. Its
// sources repeat lines and leave out others: live responses are best effort, pods have
// complete logs while they exist, and the archive is complete in the end. The memory it
// needs does not depend on the size of the log.
type lines struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink

	// read is when the last complete live response was requested, by the server's clock. It
	// is zero if that is not known.
	read    time.Time
	print   fingerprint
	streams map[key]*stream
	// tails are the open logs of pods. It is nil if no logs are to be kept open.
	tails map[key]*podReading
	// until is when to stop waiting for open logs after the run has ended. It is zero
	// before.
	until time.Time
	batch []timed
	bytes int
	final []string
	// metrics are those of the lines that were passed on. It is nil if no lines are passed on.
	metrics *metrics.Source
	// delayNoted reports whether the user was told that lines are delayed until the archive.
	delayNoted bool
	// busy reports whether the last reading had so many lines that the next one should
	// follow soon.
	busy bool
	// whole reports whether the pods' logs were read to their end. incomplete reports
	// whether some lines were gone before they were read.
	whole, incomplete bool
	// forbidden reports whether the user was told that pods cannot be read.
	forbidden bool
}

// key names a container.
type key struct{ pod, container string }

// timed is a line in the batch. Its time never decreases within a container, so that
// sorting by it keeps the container's order.
type timed struct {
	at     int64
	stream *stream
	line   polyaxon.LogLine
}

// newLines returns lines for a run of which none was passed on yet.
func newLines(c *polyaxon.Client, t Target, o FollowOptions, sink Sink) *lines {
	l := &lines{client: c, target: t, options: o, sink: sink, print: fingerprint{maphash.MakeSeed()}, streams: map[key]*stream{}}
	if o.Logs {
		l.metrics = &metrics.Source{}
	}
	return l
}

// reading is one live response, or one pass through the archive or the pods.
type reading struct {
	*lines
	chunks map[key]*chunk
	// whole reports whether the reading has all lines that were printed after those already
	// passed on.
	whole bool
	// since is the time from which lines were requested, or zero for all.
	since time.Time
	// newContainers reports whether new containers appeared whose first lines were not
	// requested.
	newContainers bool
	total         int
	held          int
}

// reading begins a reading of lines from since on.
func (l *lines) reading(whole bool, since time.Time) *reading {
	return &reading{lines: l, chunks: map[key]*chunk{}, whole: whole, since: since}
}

// take processes the next line of the reading.
func (r *reading) take(line polyaxon.LogLine) error {
	if !r.options.AllContainers && !isMain(line.Container) {
		return nil
	}
	if r.options.CompleteLive && strings.HasSuffix(line.Value, "\r") {
		r.progress(line.Value) // in the sandbox, only a line being redrawn ends with \r
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
		c.gap = false
		r.release(c)
	case c.attached:
		r.emit(c, m, blank, line)
	default:
		r.hold(c, line)
	}
	return nil
}

// wasEmitted reports whether a line was passed on before the reading began.
func (r *reading) wasEmitted(line *polyaxon.LogLine) bool {
	c := r.chunk(line.Pod, line.Container)
	m := r.print.mark(line)
	return c != nil && (m.at <= c.before || c.left[m.hash] > 0)
}

// chunk returns the chunk of a container, or nil if the container's first lines are
// missing.
func (r *reading) chunk(pod, container string) *chunk {
	c := r.chunks[key{pod, container}]
	if c != nil {
		return c
	}
	k := key{strings.Clone(pod), strings.Clone(container)} // do not retain the response
	s := r.streams[k]
	if s == nil {
		if !r.whole && !r.since.IsZero() {
			r.newContainers = true
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
		c.attached, c.gap = true, false // longer than any response that leaves out lines
		r.release(c)
	case r.held > heldBytes:
		c.gap, c.held = true, nil
	}
}

// release passes on the lines that were held.
func (r *reading) release(c *chunk) {
	for _, line := range c.held {
		r.emit(c, r.print.mark(&line), strings.TrimSpace(line.Value) == "", line)
	}
	c.held = nil
}

// emit adds a line to the batch, which is passed on in the order of time.
func (r *reading) emit(c *chunk, m mark, blank bool, line polyaxon.LogLine) {
	c.add(m, blank)
	r.bytes += len(line.Value)
	r.batch = append(r.batch, timed{c.newest, c.stream, line})
	if len(r.batch) >= batchLines || r.bytes >= batchBytes {
		r.flush()
	}
}

// end finishes a reading that was complete.
func (r *reading) end() {
	r.settle()
	r.busy = r.total > batchLines/8
	r.flush()
}

// settle passes on the lines that are held, unless the server may have left out lines
// before them.
func (r *reading) settle() {
	now := r.options.Clock.Now()
	for k, c := range r.chunks {
		switch {
		case r.whole:
			c.gap = false
			if lost := c.skipped - c.already; lost > 0 {
				r.sink.Note(fmt.Sprintf("%d lines of %s were not shown: its log was rotated or restarted before they were read; slipway logs %s shows all that is archived",
					lost, k.container, r.target.UUID))
				c.emitted += lost // so that it is reported once
			}
		case c.gap, len(c.held) == 0:
		case r.options.CompleteLive, !mayBeTruncated(c.count):
			// The log does not reach back to the last line: the container was restarted, or its
			// log was rotated. The lines between are lost.
			r.release(c)
		default:
			c.gap = true
		}
		if c.count > c.skipped {
			c.heard = now
		}
		if c.gap && !r.delayNoted {
			r.delayNoted = true
			r.sink.Note(fmt.Sprintf("%s prints faster than Polyaxon returns live lines: further lines are shown after the run has ended, "+
				"so that no line is left out (where slipway.yaml gives access to the cluster, pods are read directly)", k.container))
		}
	}
}

// mayBeTruncated reports whether a response with n lines of a container may be truncated at its
// beginning. Servers return the last 2000 (1.11.3) or 6000 (2.18) lines, and may leave
// out some of these.
func mayBeTruncated(n int) bool { return n >= 1900 && n <= 2000 || n >= 5900 && n <= mostLines }

// flush passes on the batch.
func (l *lines) flush() {
	for i := range l.batch {
		if l.batch[i].stream != l.batch[0].stream {
			slices.SortStableFunc(l.batch, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
			break
		}
	}
	for i := range l.batch {
		line := l.batch[i].line
		line.Value = lastState(line.Value)
		if l.metrics != nil && isMain(line.Container) {
			l.metrics.Line(line.Value)
		}
		line.Value = shorten(line.Value, maxLine)
		l.sink.Line(line)
		if len(l.batch)-i <= maxLastLines {
			l.final = append(l.final, logline.Sanitize(shorten(line.Value, maxLastLine)))
			l.final = l.final[max(0, len(l.final)-maxLastLines):]
		}
	}
	clear(l.batch) // do not retain the texts
	l.batch, l.bytes = l.batch[:0], 0
}

// progress reports the current state of a line that a program redraws.
func (l *lines) progress(state string) { l.sink.Progress(lastState(state)) }

// lastState returns the last state of a line that a program has redrawn, as progress bars
// do. That is the text after its last carriage return, or the text before that one if it
// is blank.
func lastState(value string) string {
	for {
		value = strings.TrimRight(value, "\r")
		begin := strings.LastIndexByte(value, '\r') + 1
		if begin == 0 || strings.TrimSpace(value[begin:]) != "" {
			return value[begin:]
		}
		value = value[:begin-1]
	}
}

// shorten truncates a line that is longer than limit, and says so.
func shorten(value string, limit int) string {
	if len(value) <= limit {
		return value
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return fmt.Sprintf("%s [slipway: line truncated, %d more bytes]", value[:cut], len(value)-cut)
}

// last returns the last lines that were passed on, at most tail.
func (l *lines) last() []string { return l.final }

// isMain reports whether a container runs the user's program, by the names that Polyaxon
// gives to such containers.
func isMain(container string) bool {
	switch container {
	case "polyaxon-main", "tensorflow", "pytorch", "mpi", "":
		return true
	}
	return false
}
