package dockerfile

import (
	"cmp"
	"context"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/silence"
)

// defaultBeat is how often a BuildKit is asked whether it is still there.
const defaultBeat = 30 * time.Second

// silence tells when a BuildKit does not answer any more. A step may run for hours
// without a word, but BuildKit itself answers meanwhile.
func (b *Builder) silence(ctx context.Context, c *client.Client) <-chan error {
	beat := cmp.Or(b.beat, defaultBeat)
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
				silent <- &silence.Error{Host: b.Name, Limit: beat}
				return
			}
		}
	}, func(err error) { silent <- err })
	return silent
}
