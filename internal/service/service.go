// Package service manages a submitted service of slipway.yaml: it waits until the service
// answers, forwards a port of this machine to it, and stops its runs.
package service

import (
	"context"
	"fmt"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// Service is a service of slipway.yaml, on a platform that is connected to Polyaxon.
type Service struct {
	*platform.Platform
	Job *config.Job
}

// Replace stops the active runs of the service that have other inputs: all except the run
// uuid. It leaves runs that slipway did not start.
func (s *Service) Replace(ctx context.Context, uuid string) error {
	name := s.Job.Name
	all, err := s.Alive(ctx)
	if err != nil {
		return fmt.Errorf("look for other runs of service %s: %w", name, err)
	}
	for i := range all {
		r := &all[i]
		switch {
		case r.UUID == uuid:
		case r.MetaInfo[run.MetaKey] == nil:
			s.Note(fmt.Sprintf("run %s is also named %s and was not started by slipway; it is left as it is", r.UUID, name))
		default:
			s.Note(fmt.Sprintf("the inputs of service %s have changed: run %s, which has the old ones, is stopped (--keep leaves it)", name, r.UUID))
			if err := run.Stop(ctx, s.Polyaxon, s.RunTarget(r)); err != nil {
				return fmt.Errorf("stop run %s of service %s: %w", r.UUID, name, err)
			}
		}
	}
	return nil
}

// maxRuns is how many runs of a service are listed.
const maxRuns = 100

// Alive returns the active runs of the service, newest first.
func (s *Service) Alive(ctx context.Context) ([]polyaxon.Run, error) {
	runs, _, err := s.Polyaxon.Runs(ctx, s.Config.Project, polyaxon.Query{Query: "name:" + s.Job.Name, Sort: "-created_at", Limit: maxRuns})
	if polyaxon.IsNotFound(err) {
		return nil, nil
	}
	var going []polyaxon.Run
	for i := range runs {
		if runs[i].Name == s.Job.Name && !runs[i].Status.Terminal() {
			going = append(going, runs[i])
		}
	}
	return going, err
}

// endLimit is how long End waits for a run to end.
const endLimit = 2 * time.Minute

// End stops a run and waits until it has ended, for at most 2 minutes. It returns the final
// status.
func (s *Service) End(ctx context.Context, r *polyaxon.Run) (polyaxon.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, endLimit, fmt.Errorf("it is still stopping after %s", endLimit))
	defer cancel()
	if err := run.Stop(ctx, s.Polyaxon, s.RunTarget(r)); err != nil {
		return "", err
	}
	for wait := 25 * time.Millisecond; ; wait = min(wait*2, time.Second) {
		status, _, err := s.Polyaxon.Statuses(ctx, s.Config.Project, r.UUID)
		switch {
		case err == nil && status.Terminal():
			return status, nil
		case err != nil && ctx.Err() == nil && !polyaxon.Temporary(err):
			return "", err
		}
		if s.Pause(ctx, wait) != nil {
			return "", context.Cause(ctx)
		}
	}
}
