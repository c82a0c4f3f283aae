// Package status looks at the cluster that runs go to: what slipway cluster status shows.
// It changes nothing. It shows what the user may see, and names the rest.
package status

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/report"
)

// limit bounds how long each part of the cluster is looked at. The parts are looked at in
// parallel.
const limit = 5 * time.Second

// The names of the parts, in the order in which those that are not visible are listed.
const (
	namespace   = "namespace"
	identity    = "identity"
	rights      = "rights"
	server      = "Polyaxon"
	release     = "release"
	deployments = "health of Polyaxon's deployments"
	connections = "connections"
	volume      = "volume"
	use         = "use of the volume"
	secrets     = "secrets"
	gpus        = "GPUs"
	free        = "free GPUs"
	mlflow      = "MLflow"
	active      = "runs"
)

// order returns all names of parts.
func order() []string {
	return []string{namespace, identity, rights, server, release, deployments, connections, volume, use, secrets, gpus, free, mlflow, active}
}

// place returns the place of what is not visible in the order. Its name may go on after that
// of the part.
func place(h report.Hidden) int {
	return slices.IndexFunc(order(), func(part string) bool { return strings.HasPrefix(h.What, part) })
}

// viewer looks at one cluster. Each part has one goroutine, which sets fields of found that
// no other sets.
type viewer struct {
	*platform.Platform
	found *report.Cluster
	// joined is the error of joining the sandbox, if runs go there.
	joined error
	// absent is the error for a namespace that does not exist.
	absent error

	mu sync.Mutex
	// reached reports whether the API server has answered, even if it refused.
	reached bool
	// failed is the first error without an answer of the API server.
	failed error
}

// Look returns the state of the cluster, and the runs of the project that are active. The
// error says that the API server cannot be reached, or does not know the user, or that the
// namespace does not exist.
func Look(ctx context.Context, to *platform.Platform) (*report.Cluster, []report.Run, error) {
	v := &viewer{Platform: to, found: &report.Cluster{Namespace: to.RunNamespace}}
	var running []report.Run
	if to.Embedded { // joining sets what the parts read
		v.joined = to.Extend(ctx, platform.Uses{Runs: true})
	}
	parts := []func(context.Context){
		func(ctx context.Context) { running = v.lookAtPolyaxon(ctx) },
		func(ctx context.Context) { _ = to.ReadRemote(ctx) }, // it masks the values
	}
	if to.Cluster != nil {
		v.found.Name = to.Cluster.Name
		parts = append(parts, v.lookAtNamespace, v.lookAtIdentity, v.lookAtRights, v.lookAtRelease, v.lookAtConnections, v.lookAtSecrets, v.lookAtGPUs)
	}
	if to.Rest != nil {
		v.found.Server = to.Rest.Host
	} else if to.Sandbox != nil {
		v.found.Server = to.Sandbox.Kubernetes
	}
	var group panics.WaitGroup
	for _, part := range parts {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			part(ctx)
		})
	}
	group.Wait()
	if to.Cluster != nil && !v.reached {
		return nil, nil, v.unreached()
	}
	if v.absent != nil {
		return nil, nil, v.absent
	}
	v.judge()
	slices.SortStableFunc(v.found.Hidden, func(a, b report.Hidden) int { return place(a) - place(b) })
	return v.found, running, ctx.Err()
}

// unreached returns why the API server has not been reached. The part that asked first does not
// matter.
func (v *viewer) unreached() error {
	var unreachable *cluster.UnreachableError
	var refused *apierrors.StatusError
	switch {
	case errors.As(v.Cluster.Explain(v.failed), &unreachable):
		return unreachable
	case errors.Is(v.failed, context.DeadlineExceeded):
		return &cluster.UnreachableError{Cluster: v.Cluster.Name, Server: v.found.Server, Err: fmt.Errorf("no answer within %s", limit)}
	case errors.As(v.failed, &refused):
		return fmt.Errorf("ask cluster %s: %w", v.Cluster.Name, refused)
	}
	return v.failed
}

// judge decides whether Polyaxon is healthy, which two parts know together. It leaves that
// open if its Deployments are not visible, unless it does not answer.
func (v *viewer) judge() {
	p := v.found.Polyaxon
	if p == nil {
		return
	}
	unseen := slices.ContainsFunc(v.found.Hidden, func(h report.Hidden) bool { return h.What == deployments })
	if healthy := p.Version != "" && len(p.Unready) == 0; !healthy || !unseen {
		p.Healthy = &healthy
	}
}

// asked is called with the result of each request to the API server. It reports whether
// the request succeeded. If it did not, it names what is not visible: needs is the right
// that the request needs.
func (v *viewer) asked(what, needs string, err error) bool {
	v.mu.Lock()
	var answered apierrors.APIStatus
	if err == nil || errors.As(err, &answered) && answered.Status().Code < http.StatusInternalServerError && !apierrors.IsUnauthorized(err) {
		v.reached = true
	} else if v.failed == nil {
		v.failed = err
	}
	v.mu.Unlock()
	if err != nil {
		v.hide(what, needs, err)
	}
	return err == nil
}

// hide names something that is not visible because of an error.
func (v *viewer) hide(what, needs string, err error) {
	one := report.Hidden{What: what}
	switch {
	case apierrors.IsForbidden(err) && needs != "":
		one.Needs = needs
	case errors.Is(err, context.DeadlineExceeded):
		one.Reason = fmt.Sprintf("no answer within %s", limit)
	default:
		one.Reason = err.Error()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found.Hidden = append(v.found.Hidden, one)
}
