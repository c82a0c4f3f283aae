package pipeline

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// Tracking is MLflow's tracking server.
type Tracking interface {
	// Placeholder returns what stands for its address in operations until it is known. It is the address
	// itself if slipway.yaml has it.
	Placeholder() string
	// Address returns its address for jobs. It starts the server if needed, and waits until it
	// answers. Canceling ctx ends that. It returns the same error to all callers.
	Address(ctx context.Context) (string, error)
}

// TrackingError reports that the service that is MLflow's tracking server does not answer. No
// job is submitted that needs it. It does not wrap Err, because how the run of the service ended is not
// how the run of a job did.
type TrackingError struct{ Err error }

// Error implements error.
func (e *TrackingError) Error() string {
	return "jobs need MLflow, and are not submitted: " + e.Err.Error()
}

// addressTracking returns the submission with the address of the tracking server. If a run of
// the same inputs exists, none is submitted, and the server is not needed.
func (p *Pipeline) addressTracking(ctx context.Context, s run.Submission) (run.Submission, error) {
	if p.Tracking == nil || !strings.Contains(s.Content, p.Tracking.Placeholder()) {
		return s, nil
	}
	if !s.Rerun {
		found, err := run.Find(ctx, p.Polyaxon, s)
		if found != nil || err != nil && !polyaxon.IsNotFound(err) {
			return s, err
		}
	}
	address, err := p.Tracking.Address(ctx)
	s.Content = strings.ReplaceAll(s.Content, p.Tracking.Placeholder(), address)
	return s, err
}
