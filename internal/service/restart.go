package service

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Restart stops the active run r of the service and, once it has ended, starts a new run
// with the same operation. It does not wait until the new run answers. The old one ends
// first, because both may need the same port or GPU.
func (s *Service) Restart(ctx context.Context, r *polyaxon.Run) (*polyaxon.Run, error) {
	if _, err := s.End(ctx, r); err != nil {
		return nil, fmt.Errorf("stop run %s of service %s to restart it: %w", r.UUID, s.Job.Name, err)
	}
	made, err := s.Platform.Restart(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("service %s is stopped, and slipway up %s starts it: %w", s.Job.Name, s.Job.Name, err)
	}
	return made, nil
}
