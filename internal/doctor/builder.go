package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtBuilders finds out whether all is there that the images are built of and with.
func lookAtBuilders(ctx context.Context, p *project.Project, f *findings) {
	images, err := p.Images(nil)
	if err != nil {
		f.fail("images", err, "")
		return
	}
	var ready []string
	buildKit := false
	for _, i := range images {
		if err := build.Check(ctx, p, []*config.Image{i}); err != nil {
			f.fail(i.Name, err, "")
			continue
		}
		buildKit = buildKit || i.Kind() == "dockerfile"
		ready = append(ready, i.Name)
	}
	if len(ready) > 0 {
		f.ok("inputs", "those of %s are there", strings.Join(ready, ", "))
	}
	if buildKit {
		lookAtBuildKit(ctx, p, f)
	}
}

// lookAtBuildKit finds out whether there is a BuildKit, or could be one in the cluster.
func lookAtBuildKit(ctx context.Context, p *project.Project, f *findings) {
	found, err := dockerfile.Find(ctx, dockerfile.Finder{Environ: p.Environ})
	none := new(dockerfile.NoBuilderError)
	switch {
	case err == nil:
		f.ok("buildkit", "%s", found.Name)
	case !errors.As(err, &none):
		f.fail("buildkit", err, "")
	case p.Config.Cluster == nil:
		f.add(report.CheckFailed, "buildkit", "images of kind dockerfile need BuildKit, and none was found", strings.Join(none.Tried, "; or "), err)
	default:
		lookAtBuildKitInCluster(ctx, p, f)
	}
}

// lookAtBuildKitInCluster finds out whether the namespace admits the pod of a buildkitd.
func lookAtBuildKitInCluster(ctx context.Context, p *project.Project, f *findings) {
	access, err := p.Access(ctx)
	if err == nil {
		err = (&dockerfile.Kubernetes{Config: access.Config, Namespace: p.Namespace()}).Check(ctx)
	}
	if err != nil {
		f.fail("buildkit", err, advice(err, "cluster"))
		return
	}
	f.ok("buildkit", "deploy starts one in namespace %s of the cluster: there is none on this machine", p.Namespace())
}
