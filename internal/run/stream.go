package run

import (
	"hash/maphash"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// window is the number of last lines that a stream remembers one by one. Older lines are
	// recognized by their time.
	window = 1024
	// maxWindow is the maximum size of the window while all its lines have the same time.
	maxWindow = 64 * window
)

// stream records which lines of a container were passed on. Its size is constant, however
// long the log is.
//
// All sources of a log repeat lines: live responses overlap, and an archive begins with
// the first line. Their lines of nearly the same time may be in different orders, since
// containers write two streams and archives are sorted. So all lines that are not newer
// than floor count as passed on. A newer line counts as passed on as often as it is in
// the window. Times are in microseconds since the Unix epoch, the precision that all
// servers keep.
type stream struct {
	floor, newest int64
	recent        []mark // oldest first
	counts        map[uint64]int
	// emitted is the number of lines passed on, without blank ones, which archives drop.
	emitted int
	// gap reports whether lines are missing after the last one that was passed on. No
	// further lines are then passed on until a complete source is read.
	gap bool
	// unread reports whether the log has not been open since the last line passed on.
	unread bool
	// restarts is the number of restarts of the container whose previous logs were read.
	restarts int32
	// heard is when the container last had a new line.
	heard time.Time
}

// mark identifies a line by its time and a hash of its text.
type mark struct {
	at   int64
	hash uint64
}

func newStream() *stream {
	return &stream{floor: math.MinInt64, newest: math.MinInt64, counts: map[uint64]int{}}
}

// add records that a line was passed on.
func (s *stream) add(m mark, blank bool) {
	if !blank {
		s.emitted++
	}
	s.newest = max(s.newest, m.at)
	s.recent = append(s.recent, m)
	s.counts[m.hash]++
	if len(s.recent) <= window {
		return
	}
	oldest := s.recent[0]
	switch {
	case oldest.at < s.newest:
		s.floor = max(s.floor, oldest.at)
	case len(s.recent) <= maxWindow:
		return
	}
	s.recent = s.recent[1:] // append copies the rest now and then
	if s.counts[oldest.hash]--; s.counts[oldest.hash] == 0 {
		delete(s.counts, oldest.hash)
	}
}

// chunk is one reading of a stream's log, or of a part of it.
type chunk struct {
	*stream
	// before and left are what was passed on before this reading began: all lines up to the
	// time before, and the later ones, counted by their hashes.
	before int64
	left   map[uint64]int
	// count is the number of lines read. skipped is the number of them that had been passed
	// on, without blank ones. already is the number of lines that had been passed on at the
	// beginning of this reading.
	count, skipped, already int
	// attached reports whether the reading reaches back to a line that was passed on, so
	// that no line is missing between them.
	attached bool
	// held are the new lines of a reading that is not attached yet.
	held []polyaxon.LogLine
}

// read begins a reading of the stream's log.
func (s *stream) read() *chunk {
	return &chunk{stream: s, before: s.floor, left: maps.Clone(s.counts), already: s.emitted}
}

// fresh reports whether a line has not been passed on yet.
func (c *chunk) fresh(m mark, blank bool) bool {
	c.count++
	if m.at > c.before && c.left[m.hash] == 0 {
		return true
	}
	if m.at > c.before {
		c.left[m.hash]--
	}
	if !blank {
		c.skipped++
	}
	c.attached = true
	return false
}

// fingerprint computes the marks of lines.
type fingerprint struct{ seed maphash.Seed }

// mark returns the mark of a line, which is the same for all sources of the line.
func (f fingerprint) mark(l *polyaxon.LogLine) mark {
	at := l.Timestamp.UnixMicro() // rounds down to a whole microsecond
	return mark{at, maphash.Comparable(f.seed, at) ^ maphash.String(f.seed, normalize(l.Value))}
}

// normalize undoes what servers change in a line: it removes blanks at the end and a time at
// the beginning, and normalizes numbers.
func normalize(value string) string {
	value = strings.TrimRight(value, " \t\r\n\v\f")
	if value == "" {
		return ""
	}
	switch first := value[0]; {
	case first >= '0' && first <= '9', first == '-', first == '+', first == '.':
	default:
		return value
	}
	if stamp, rest, found := strings.Cut(value, " "); found {
		if _, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			return rest
		}
		return value
	}
	if len(value) < 64 {
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			return strconv.FormatFloat(number, 'g', -1, 64)
		}
	}
	return value
}
