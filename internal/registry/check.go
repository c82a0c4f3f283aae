package registry

import (
	"context"
	"net/http"
	"net/url"
)

// CheckPush returns an error unless an image can be pushed: it logs in to the registry,
// begins an upload in the image's repository, and cancels it. The registry has nothing more
// afterwards; one that cannot cancel uploads forgets it after some time.
func (c *Client) CheckPush(ctx context.Context, image string) error {
	repository, err := c.Reference(image)
	if err != nil {
		return err
	}
	at, err := c.Open(ctx, repository, Push)
	if err != nil {
		return err
	}
	begun, err := at.Reserve(ctx)
	if err != nil {
		return at.Explain("push to "+repository.String(), err)
	}
	if begun.to != nil {
		at.wire.cancel(ctx, begun.to)
	}
	return nil
}

// cancel cancels an upload. It ignores errors: a registry that does not know the request, as
// the specification allows, lets the upload expire.
func (w *wire) cancel(ctx context.Context, to *url.URL) {
	answer, err := w.do(ctx, http.MethodDelete, to, nil, nil, 0, http.StatusNoContent, http.StatusOK, http.StatusAccepted)
	if err == nil {
		drain(answer)
	}
}
