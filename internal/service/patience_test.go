package service

import (
	"slices"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// said keeps what events say.
type said []string

func (s *said) Event(e report.Event) {
	text := e.Message
	if e.Kind == report.Advance {
		text += ", for " + time.Duration(e.Seconds*float64(time.Second)).String()
	}
	*s = append(*s, text)
}

// TestPatience waits for a service that is silent for minutes. What it waits for is said once, and again each minute.
func TestPatience(t *testing.T) {
	var told said
	now := time.Unix(0, 0)
	clock := func() time.Time { return now }
	env := &project.Env{Now: clock, Events: project.NewRecorder(&told, clock)}
	p := &patience{Service: &Service{Platform: &platform.Platform{Project: &project.Project{Env: env}}, Job: &config.Job{Name: "api"}}}
	for range 70 {
		p.starting("")
		now = now.Add(time.Second)
	}
	for range 130 {
		p.starting("no node")
		now = now.Add(time.Second)
	}
	for range 61 {
		p.still("silent")
		now = now.Add(time.Second)
	}
	want := said{"it does not run yet, for 1m0s", "no node", "no node, for 1m0s", "no node, for 2m0s", "silent, for 1m0s"}
	if !slices.Equal(told, want) {
		t.Errorf("it says %q, want %q", told, want)
	}
}
