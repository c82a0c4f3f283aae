package dockerfile

import (
	"cmp"
	"context"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/timeouts"
)

// defaultPingInterval is the interval at which BuildKit is asked whether it is alive.
const defaultPingInterval = 30 * time.Second

// watchHealth reports on the channel when BuildKit no longer responds. A step may have no
// output for hours, but BuildKit itself responds meanwhile. When ctx is done, watchHealth stops
// without a report.
func (b *Builder) watchHealth(ctx context.Context, c *client.Client) <-chan error {
	beat := cmp.Or(b.pingInterval, defaultPingInterval)
	silent := make(chan error, 1)
	panics.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(beat):
			}
			limited, cancel := context.WithTimeout(ctx, beat)
			_, err := c.ListWorkers(limited)
			late := limited.Err() != nil && ctx.Err() == nil
			cancel()
			if err != nil && late {
				silent <- &timeouts.Error{Host: b.Name, Limit: beat}
				return
			}
		}
	}, func(err error) { silent <- err })
	return silent
}
