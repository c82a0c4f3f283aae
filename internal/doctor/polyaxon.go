package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// lookAtPolyaxon finds out whether the Polyaxon server is one that slipway knows, and lets the
// user have the project.
func lookAtPolyaxon(ctx context.Context, v *visit, f *findings) {
	p, key := v.Project, "polyaxon.host"
	if p.Config.Polyaxon == nil {
		key = "cluster"
		if err := v.namespace(); err != nil {
			f.hide("server", "it is found in the namespace of the cluster, which cannot be asked for it", "see cluster")
			return
		}
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
	if version == (schema.Version{}) {
		f.warn("server", to.Polyaxon.Host()+" does not tell which release of Polyaxon it is", "check that "+key+" in slipway.yaml is Polyaxon's address")
	} else if newest := schema.Newest(); newest.Before(version) && (newest.Major != version.Major || newest.Minor != version.Minor) {
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
