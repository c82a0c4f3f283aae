package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/tasks/report"
)

// lookAtBuilders finds out whether all is there that the images are built of and with.
func lookAtBuilders(ctx context.Context, v *visit, f *findings) {
	images, err := v.Images(nil)
	if err != nil {
		f.fail("images", err, "")
		return
	}
	var ready []string
	for _, i := range images {
		err := build.Check(ctx, v.Project, []*config.Image{i})
		if err == nil {
			err = build.CheckTools(ctx, v.Project, i)
		}
		if err != nil {
			f.fail(i.Name, err, "")
			continue
		}
		ready = append(ready, i.Name)
	}
	if len(ready) > 0 {
		f.ok("inputs", "those of %s are there", strings.Join(ready, ", "))
	}
	if v.Config.NeedsBuildKit() {
		lookAtBuildKit(ctx, v, f)
	}
}

// lookAtBuildKit finds out whether there is a BuildKit, or could be one in the cluster.
func lookAtBuildKit(ctx context.Context, v *visit, f *findings) {
	found, err := v.buildKit()
	none := new(dockerfile.NoBuilderError)
	switch {
	case err == nil:
		f.ok("buildkit", "%s", found.Name)
	case !errors.As(err, &none):
		f.fail("buildkit", err, "")
	case v.Config.Cluster == nil:
		f.add(report.CheckFailed, "buildkit", "images of kind dockerfile need BuildKit, and none was found", strings.Join(none.Tried, "; or "), err)
	default:
		lookAtBuildKitInCluster(ctx, v, f)
	}
}

// lookAtBuildKitInCluster finds out whether the namespace admits the pod of a buildkitd.
func lookAtBuildKitInCluster(ctx context.Context, v *visit, f *findings) {
	to, err := v.reach()
	if err != nil {
		f.hide("buildkit", "deploy starts one in the cluster, which cannot be asked", "see cluster; or start Docker, or set BUILDKIT_HOST")
		return
	}
	if err := (&dockerfile.Kubernetes{Config: to.Rest, Namespace: v.Namespace()}).Check(ctx); err != nil {
		f.fail("buildkit", err, advice(err, "cluster"))
		return
	}
	f.ok("buildkit", "deploy starts one in namespace %s of the cluster: there is none on this machine", v.Namespace())
}
