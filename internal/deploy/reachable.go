package deploy

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/google/gke"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/source"
)

// connectForPlan connects a plan to the parts of the platform in u, and reports whether they
// can be asked. A failure to connect is logged as a note and is not an error, because the
// rest of the plan is still useful. It is an error if slipway.yaml names what does not exist, or
// if ctx is cancelled. Without secrets only bases can be read.
func (d *Deployment) connectForPlan(ctx context.Context, whom string, u platform.Uses) (bool, error) {
	if u == (platform.Uses{}) || d.Offline || d.NoSecrets != "" && u != (platform.Uses{Images: true}) {
		return false, ctx.Err()
	}
	switch err := d.Extend(ctx, u); {
	case err == nil:
		return true, ctx.Err()
	case ctx.Err() != nil:
		return false, ctx.Err()
	case isAbsent(err):
		return false, err
	default:
		return d.noteUnreachable(whom, err), nil
	}
}

// isAbsent reports whether err means that slipway.yaml names a cluster, a context, a namespace or a
// Polyaxon that does not exist, a namespace that is being deleted, or no path of a kubeconfig.
func isAbsent(err error) bool {
	return errors.As(err, new(*cluster.LeavingError)) || errors.As(err, new(*gke.NotFoundError)) || errors.As(err, new(*cluster.NoContextError)) || errors.As(err, new(*source.ContentError)) || errors.As(err, new(*cluster.NoNamespaceError)) || errors.As(err, new(*cluster.NoPolyaxonError))
}

// noteUnreachable notes that whom cannot be reached, and why, unless that was told already: the
// cluster has Polyaxon and the volume, too. It always returns false.
func (d *Deployment) noteUnreachable(whom string, err error) bool {
	if cause := cluster.Cause(err); d.FirstTime(cause) {
		d.Note(whom + " cannot be accessed, so its state is unknown: " + cause)
	}
	return false
}

// isUnreachable reports whether err means that a server does not answer, or does not let this
// user ask. A quota or a policy of a cluster that refuses an object is an answer.
func isUnreachable(err error) bool {
	if errors.As(err, new(*cluster.RefusedError)) {
		return false
	}
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
