package artifact

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestResumed copies what a run has left after it was resumed, which has the same size. Nothing is copied while it is
// the same run, or while nobody knows when it ended.
func TestResumed(t *testing.T) { everywhere(t, checkResumed) }

func checkResumed(t *testing.T, s *story) {
	first := time.Date(2026, 11, 1, 10, 1, 0, 0, time.UTC)
	for n, step := range []struct {
		ended   time.Time
		content string
		want    report.Action
	}{
		{first, "1", report.ActionCopied},
		{first, "1", report.ActionUpToDate},
		{first.In(time.FixedZone("", 3600)), "1", report.ActionUpToDate},
		{time.Time{}, "1", report.ActionUpToDate},
		{first.Add(time.Hour), "2", report.ActionCopied},
		{first.Add(time.Hour), "2", report.ActionUpToDate},
	} {
		s.ended = step.ended
		s.mu.Lock()
		s.files["outputs/model/weights.bin"] = strings.Repeat(step.content, 1000)
		s.mu.Unlock()
		planned, err := s.Kept(t.Context(), s.job, uuid, project.GateMet, s.ended)
		if err != nil || (planned.Action == report.ActionCopy) != (step.want == report.ActionCopied) {
			t.Errorf("step %d is planned as %+v, %v", n, planned, err)
		}
		kept, err := s.keep(t.Context(), project.GateMet)
		if err != nil || kept.Action != step.want {
			t.Fatalf("step %d: %+v, %v", n, kept, err)
		}
		m, err := s.Manifest(t.Context(), "train", uuid)
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(m.Files, func(f File) bool { return f.Path == "outputs/model/weights.bin" })
		var text strings.Builder
		if err := s.Download(t.Context(), m, m.Files[at], &text); err != nil || text.String() != strings.Repeat(step.content, 1000) {
			t.Errorf("step %d: the bucket has %.3s..., %v", n, text.String(), err)
		}
	}
}
