package tasks

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// unknownAction is what a plan says of what nobody tells it.
const unknownAction = "unknown"

// asks connects a plan to a part of the platform, and tells whether it can be asked.
// That it cannot is said, and no error: the rest of the plan is worth having.
func (p *project) asks(ctx context.Context, to *platform, whom string, u uses) bool {
	if u == (uses{}) || p.offline {
		return false
	}
	if err := p.extend(ctx, to, u); err != nil {
		return ctx.Err() == nil && p.unasked(whom, err)
	}
	return true
}

// unasked says why somebody cannot be asked. It gives false, always.
func (p *project) unasked(whom string, err error) bool {
	p.event(report.Note, "", "", whom+" cannot be asked, so that what it knows is unknown here: "+err.Error())
	return false
}

// cannotAsk tells whether an error is that of somebody who cannot be asked: nobody
// answers there, or not to this user.
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

// planBundles shows, masked, what would become of the secrets.
func (p *project) planBundles(ctx context.Context, d *deployment) ([]report.Secret, error) {
	if p.offline {
		var all []report.Secret
		for _, s := range p.secretList() {
			all = append(all, report.Secret{Name: s.Name, Action: unknownAction})
		}
		return all, nil
	}
	var err error
	if p.asks(ctx, d.to, "the cluster", uses{secrets: len(d.bundles) > 0}) {
		changes, planErr := p.planSecrets(ctx, d.to, d.bundles, false)
		if !cannotAsk(planErr) || ctx.Err() != nil {
			return reportSecrets(changes), planErr
		}
		p.unasked("the cluster", planErr)
	} else {
		err = ctx.Err()
	}
	var all []report.Secret
	for _, b := range d.bundles {
		all = append(all, report.Secret{Name: b.Name, Action: unknownAction})
	}
	return all, err
}

// buildsInPlan reports whether a job's image is known only when it has been built.
func (p *project) buildsInPlan(j *config.Job) bool {
	return kinds[p.config.Images[j.Image].Kind()].unforeseen
}

// countChanges counts what a plan would change, or may.
func countChanges(r *report.Result) (n int) {
	if r.Namespace != "" {
		n++
	}
	for _, i := range r.Images {
		if i.Action == "push" || i.Action == "build" || i.Action == unknownAction {
			n++
		}
	}
	for _, s := range r.Secrets {
		if s.Action != "unchanged" {
			n++
		}
	}
	for _, j := range r.Jobs {
		if j.Action == "submit" || j.Action == unknownAction {
			n++
		}
	}
	return n
}
