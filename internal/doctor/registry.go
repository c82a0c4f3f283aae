package doctor

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
)

// writerRole is the IAM role that lets an identity push to a registry of Google.
const writerRole = "roles/artifactregistry.writer"

// lookAtRegistry finds out whether the images can be pushed.
func lookAtRegistry(ctx context.Context, v *visit, f *findings) {
	p, to := v.Project, v.registries()
	names := slices.Sorted(maps.Keys(p.Config.Images))
	errs := make([]error, len(names))
	var group panics.Group
	group.SetLimit(registry.Parallel)
	for i, name := range names {
		group.Go(func() error {
			errs[i] = to.CheckPush(ctx, name)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		f.fail("push", err, "")
		return
	}
	var may []string
	for i, err := range errs {
		switch {
		case err == nil:
			may = append(may, names[i])
		case registry.Status(err) == http.StatusForbidden || registry.Status(err) == http.StatusNotFound:
			f.fail("push "+names[i], err, grantWriter(ctx, p))
		default: // it is the same for all images
			f.fail("push", err, advice(err, "registry"))
			return
		}
	}
	if len(may) > 0 {
		f.ok("push", "may push %s to %s", strings.Join(may, ", "), p.Config.Registry)
	}
}

// grantWriter says which role an identity needs at a registry of Google.
func grantWriter(ctx context.Context, p *project.Project) string {
	host, _, _ := strings.Cut(p.Config.Registry, "/")
	if !artifactregistry.Serves(host) {
		return "have the registry's owner give you write access to " + p.Config.Registry
	}
	who := "your identity"
	if credentials, err := p.Google(ctx); err == nil && credentials.Identity().Member() != "" {
		who = credentials.Identity().Member()
	}
	return "grant " + writerRole + " to " + who + " on the repository, and create the repository if it does not exist"
}
