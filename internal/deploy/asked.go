package deploy

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// unknown is the action of what a plan cannot know.
const unknown = "unknown"

// asks connects a plan to a part of the platform, and reports whether that can be asked. When it
// cannot, that is a note and not an error: the rest of the plan is worth having.
func (d *Deployment) asks(ctx context.Context, whom string, u platform.Uses) bool {
	if u == (platform.Uses{}) || d.Offline {
		return false
	}
	if err := d.Extend(ctx, u); err != nil {
		return ctx.Err() == nil && d.unasked(whom, err)
	}
	return true
}

// unasked notes why a server cannot be asked. It always returns false.
func (d *Deployment) unasked(whom string, err error) bool {
	d.Note(whom + " cannot be asked, so that what it knows is unknown here: " + err.Error())
	return false
}

// cannotAsk reports whether an error is that of a server that cannot be asked: it does not answer, or
// not to this user.
func cannotAsk(err error) bool {
	var network net.Error
	var contact *polyaxon.ContactError
	if errors.As(err, &network) || errors.As(err, &contact) || apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
		return true
	}
	code := 0
	var registry *transport.Error
	var server *polyaxon.Error
	switch {
	case errors.As(err, &registry):
		code = registry.StatusCode
	case errors.As(err, &server):
		code = server.StatusCode
	}
	return code == http.StatusUnauthorized || code == http.StatusForbidden || code >= http.StatusInternalServerError
}
