package pipeline_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
)

// tracker counts how often jobs needed the tracking server.
type tracker struct {
	placeholder string
	asked       atomic.Int32
}

func (t *tracker) Placeholder() string { return t.placeholder }
func (t *tracker) Address(context.Context) (string, error) {
	t.asked.Add(1)
	return "http://found.test", nil
}

// TestTracking checks that a run waits for the tracking server before it is submitted, whether slipway.yaml has
// its address or not, and that a job that is up to date does not need it.
func TestTracking(t *testing.T) {
	t.Parallel()
	for uri, placeholder := range map[string]string{"service:m": "http://mlflow.slipway.invalid", "http://given.test": "http://given.test"} {
		s := &server{ends: succeed}
		p, jobs := connect(t, s, "  a: {polyaxonfile: a.yml}\nmlflow: {tracking-uri: '"+uri+"'}\nservices: {m: {polyaxonfile: a.yml}}\n", nil, "a")
		server := &tracker{placeholder: placeholder}
		p.Tracking = server
		for range 2 {
			if _, err := p.Run(t.Context(), jobs); err != nil {
				t.Errorf("%s: %v", uri, err)
			}
		}
		runs := s.named("a")
		if len(runs) != 1 || server.asked.Load() != 1 || !strings.Contains(runs[0].content, `"value":"http://found.test"`) {
			t.Errorf("%s: %d runs, it was asked %d times:\n%s", uri, len(runs), server.asked.Load(), runs[0].content)
		}
	}
}
