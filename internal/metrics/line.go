package metrics

import (
	"bytes"
	"strings"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/source"
)

// Word begins a line of a log that has metrics, as in slipway-metrics {"val_acc": 0.93}.
const Word = "slipway-metrics"

// FileName is the file in the outputs of a run that has its metrics, as a JSON object of numbers.
const FileName = "metrics.json"

// MaxFile is the maximum size of that file, in bytes, and maxLine that of a line with metrics.
const (
	MaxFile = 1 << 20
	maxLine = 1 << 20
)

// Line reads a line of a run's log. A line that does not begin with Word is ignored, but if it has metrics after
// something else, and no line has any, that is a warning. So is a malformed line. A warning shows the line.
func (s *Source) Line(line string) {
	rest, found := strings.CutPrefix(strings.TrimLeft(line, " \t"), Word)
	if !found && s.inside == "" && strings.Contains(line, Word+" {") {
		s.inside = logline.Sanitize(source.Shorten(strings.TrimSpace(line)))
	}
	if !found || rest != "" && strings.IndexByte(" \t:{\r", rest[0]) < 0 {
		return
	}
	shown := "the line " + logline.Sanitize(source.Shorten(strings.TrimSpace(line)))
	if len(line) > maxLine {
		s.Warn("%s has more than %d MiB: its metrics are left out", shown, maxLine>>20)
		return
	}
	if err := s.object([]byte(strings.TrimPrefix(rest, ":")), shown); err != nil {
		s.Warn("%s has no metrics: %v (write %s {\"NAME\": NUMBER})", shown, err, Word)
	}
}

// File reads FileName.
func (s *Source) File(text []byte) {
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // programs of Windows begin UTF-8 with it
	if err := s.object(text, FileName); err != nil {
		s.Warn("%s has no metrics: %v (write {\"NAME\": NUMBER})", FileName, err)
	}
}
