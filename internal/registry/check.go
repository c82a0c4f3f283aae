package registry

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// lateAnswer is how long CheckPush lets a registry answer after it has returned, so that the
// upload that the registry then has begun is cancelled, too.
const lateAnswer = 10 * time.Second

// CheckPush returns an error unless an image can be pushed: it logs in to the registry,
// begins an upload in the image's repository, and cancels it, even if ctx ends before the
// registry answers. The registry has nothing more afterwards; one that cannot cancel uploads
// forgets it after some time.
func (c *Client) CheckPush(ctx context.Context, image string) error {
	repository, err := c.Reference(image)
	if err != nil {
		return err
	}
	at, err := c.Open(ctx, repository, Push)
	if err != nil {
		return err
	}
	answer := make(chan error, 1)
	panics.Go(func() {
		lasting, stop := lastLonger(ctx, lateAnswer)
		defer stop()
		answer <- at.tryUpload(lasting)
	}, func(err error) { answer <- err })
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return at.Explain("push to "+repository.String(), err)
}

// tryUpload begins an upload and cancels it.
func (r *Repository) tryUpload(ctx context.Context) error {
	begun, err := r.Reserve(ctx)
	if err != nil || begun.to == nil {
		return err
	}
	r.wire.cancel(ctx, begun.to)
	return nil
}

// lastLonger returns a context that outlives ctx. If ctx has a deadline, it has a later one.
// Otherwise the timeouts of the client limit each request.
func lastLonger(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		return context.WithDeadline(longer, end.Add(by))
	}
	return longer, func() {}
}

// cancel cancels an upload. It ignores errors: a registry that does not know the request, as
// the specification allows, lets the upload expire.
func (w *wire) cancel(ctx context.Context, to *url.URL) {
	answer, err := w.do(ctx, http.MethodDelete, to, nil, nil, 0, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	if err == nil {
		drain(answer)
	}
}
