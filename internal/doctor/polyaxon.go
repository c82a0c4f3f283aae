package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
)

// lookAtPolyaxon finds out whether the Polyaxon server is one that slipway knows, and lets the
// user have the project.
func lookAtPolyaxon(ctx context.Context, p *project.Project, f *findings) {
	key := "polyaxon.host"
	if p.Config.Polyaxon == nil {
		key = "cluster"
	}
	to, err := platform.LookAtPolyaxon(ctx, p)
	if err != nil {
		f.fail("server", err, advice(err, key))
		return
	}
	installation, err := to.Polyaxon.Installation(ctx)
	if err != nil {
		f.fail("server", err, advice(err, key))
		return
	}
	version := installation.Version
	if newest := schema.Newest(); newest.Before(version) && (newest.Major != version.Major || newest.Minor != version.Minor) {
		f.warn("server", fmt.Sprintf("%s is Polyaxon %s, which is newer than %s, the newest that slipway is tested with", to.Polyaxon.Host(), version, newest.Short()),
			"update slipway, or pin the version: slipway check --polyaxon-version "+newest.Short())
	} else {
		f.ok("server", "Polyaxon %s (%s) at %s", version, installation.Dist, to.Polyaxon.Host())
	}
	_, err = to.Polyaxon.Project(ctx, p.Config.Project)
	refused := new(polyaxon.Error)
	switch {
	case err == nil:
		f.ok("project", "%s", p.Config.Project)
	case polyaxon.IsNotFound(err):
		f.ok("project", "%s does not exist yet: deploy creates it", p.Config.Project)
	case errors.As(err, &refused) && refused.StatusCode == http.StatusUnauthorized:
		f.fail("token", err, "create a new token in Polyaxon's user interface, and store it where polyaxon.token of slipway.yaml reads it")
	case errors.As(err, &refused) && refused.StatusCode == http.StatusForbidden:
		f.fail("project", err, "have the organization's owner give you access to project "+p.Config.Project)
	default:
		f.fail("project", err, advice(err, key))
	}
}
