// Package metrics reads the metrics that programs report without a library, in lines of their
// log or in a file, and the conditions that a job's metrics must meet.
package metrics

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/source"
)

// MaxNames is the maximum number of metrics of one source of a run.
const MaxNames = 2000

// maxWarnings is the maximum number of warnings of one source. Others are counted.
const maxWarnings = 5

// Source is one source of a run's metrics, such as its log. The zero value has none.
type Source struct {
	// values are the last values by name. A value that is not finite is kept, since no older value
	// and no other source may stand for it.
	values   map[string]float64
	warnings []string
	// more counts the warnings that were left out, and dropped the values after MaxNames names.
	more, dropped int
	// inside is the first line that has metrics after something else, such as a progress bar.
	inside string
	// unread say what of the source could not be read.
	unread []string
}

// Set sets the last value of a metric, which may be NaN or infinite.
func (s *Source) Set(name string, value float64) {
	if s.values == nil {
		s.values = map[string]float64{}
	}
	if _, known := s.values[name]; !known && len(s.values) >= MaxNames {
		s.dropped++
		return
	}
	s.values[name] = value
}

// Take sets the last value of a metric whose name a server sends, which may be NaN or infinite. What is not a name is
// left out with a warning, which where begins.
func (s *Source) Take(where, name string, value float64) {
	if !isName(name) {
		s.warnOfName(where, name)
		return
	}
	s.Set(name, value)
}

func (s *Source) warnOfName(where, name string) {
	s.Warn("%s: %s is not a name for a metric: use up to %d bytes of text that can be printed", where, strconv.QuoteToASCII(source.Shorten(name)), maxName)
}

// Finite returns the values that are finite numbers, and the names of the others, sorted.
func (s *Source) Finite() (values map[string]float64, notFinite []string) {
	values = map[string]float64{}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if value := s.values[name]; math.IsNaN(value) || math.IsInf(value, 0) {
			notFinite = append(notFinite, name)
		} else {
			values[name] = value
		}
	}
	return values, notFinite
}

// Warn adds a warning.
func (s *Source) Warn(format string, args ...any) {
	if len(s.warnings) >= maxWarnings {
		s.more++
		return
	}
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// Unread adds a warning that what could not be read: what metrics it has is not known.
func (s *Source) Unread(what string, why error) {
	text := fmt.Sprintf("%s cannot be read: %v", what, why)
	s.Warn("%s", text)
	s.unread = append(s.unread, text)
}

// Unread returns what of sources could not be read.
func Unread(sources ...*Source) (all []string) {
	for _, s := range sources {
		all = append(all, s.unread...)
	}
	return all
}

// Warnings returns what is wrong with the source, in a few lines of text.
func (s *Source) Warnings() []string {
	all := slices.Clone(s.warnings)
	if s.inside != "" && len(s.values) == 0 {
		all = append(all, fmt.Sprintf("the line %s does not begin with %s: its metrics are left out (print it on a line of its own)", s.inside, Word))
	}
	if s.more > 0 {
		all = append(all, fmt.Sprintf("%d more warnings about metrics were left out", s.more))
	}
	if s.dropped > 0 {
		all = append(all, fmt.Sprintf("a run has at most %d metrics of one source: %d values of other names were left out", MaxNames, s.dropped))
	}
	return all
}

// Combine returns the metrics of several sources. The first source that has a name decides its
// value. A metric whose last value is not finite is left out, with a warning, and is among notFinite, which
// is sorted.
func Combine(sources ...*Source) (values map[string]float64, notFinite, warnings []string) {
	decided := map[string]float64{}
	for _, s := range sources {
		warnings = append(warnings, s.Warnings()...)
		for name, value := range s.values {
			if _, known := decided[name]; !known {
				decided[name] = value
			}
		}
	}
	var left Source
	for _, name := range slices.Sorted(maps.Keys(decided)) {
		if value := decided[name]; math.IsNaN(value) || math.IsInf(value, 0) {
			left.Warn("the last value of metric %q is not a finite number (%v): the metric is left out", name, value)
			delete(decided, name)
			notFinite = append(notFinite, name)
		}
	}
	if len(decided) == 0 {
		decided = nil
	}
	return decided, notFinite, append(warnings, left.Warnings()...)
}
