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
	// window is how many of its last lines a stream remembers one by one. Older
	// lines are known to have been told by their time.
	window = 1024
	// crowd bounds the window while all lines in it have one and the same time.
	crowd = 64 * window
)

// stream is what was told of the log of one container: constant in size, however
// long the log is.
//
// Whatever tells of a log repeats itself: live answers overlap, an archive begins
// at the beginning, and between the two lines of nearly the same time may have
// changed places, for containers write two streams and archives are sorted. So
// what is as old as floor was told, and what is newer was told as often as it is
// in the window. Times are in microseconds, which is what all servers keep.
type stream struct {
	floor, newest int64
	recent        []mark // oldest first
	counts        map[uint64]int
	// told is how many lines were told, without blank ones, which archives drop.
	told int
	// torn tells that lines are missing after the last one told; no further ones
	// are, until something whole is read.
	torn bool
	// loose tells that nobody has read the log since the last line told.
	loose bool
	// restarts is how often the container was started again, as far as is read.
	restarts int32
	// heard is when it last had a new line.
	heard time.Time
}

type mark struct {
	at   int64
	hash uint64
}

func newStream() *stream {
	return &stream{floor: math.MinInt64, newest: math.MinInt64, counts: map[uint64]int{}}
}

// add remembers that a line was told.
func (s *stream) add(m mark, blank bool) {
	if !blank {
		s.told++
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
	case len(s.recent) <= crowd:
		return
	}
	s.recent = s.recent[1:] // append moves what is left, now and then
	if s.counts[oldest.hash]--; s.counts[oldest.hash] == 0 {
		delete(s.counts, oldest.hash)
	}
}

// chunk is one reading of a stream's log, or of a part of it.
type chunk struct {
	*stream
	// told before this reading began, by time and by line.
	before int64
	left   map[uint64]int
	// count is how many lines were read, skipped how many of them, but for blank
	// ones, had been told by their times, and already how many had been told.
	count, skipped, already int
	// attached tells that the reading reaches back to a line that was told, so
	// that nothing is missing between them.
	attached bool
	// held are new lines of a reading that is not attached yet.
	held []polyaxon.LogLine
}

func (s *stream) read() *chunk {
	return &chunk{stream: s, before: s.floor, left: maps.Clone(s.counts), already: s.told}
}

// fresh tells whether a line has not been told yet.
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

// fingerprint makes marks of lines.
type fingerprint struct{ seed maphash.Seed }

// mark gives the same mark for a line however it was read.
func (f fingerprint) mark(l *polyaxon.LogLine) mark {
	at := l.Timestamp.UnixMicro() // whole ones: it rounds down
	return mark{at, maphash.Comparable(f.seed, at) ^ maphash.String(f.seed, plain(l.Value))}
}

// plain takes off what servers change of a line between the container and their
// answers: blanks at its end, a time at its beginning, and the form of a number.
func plain(value string) string {
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
