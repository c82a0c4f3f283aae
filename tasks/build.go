package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/report"
)

// BuildOptions are the options of Build.
type BuildOptions struct {
	// Images are the names of the images to build. Empty means all images.
	Images []string `arg:"[IMAGE...]" complete:"image"`
	// Verify asks the registry for every blob of the images that it has, and uploads lost blobs
	// again. Without it, slipway trusts the registry's manifests.
	Verify bool `flag:"verify" help:"ask the registry for every layer of the images that it has, and send lost ones again"`
	// UpgradeSystem moves the system packages of the images to the newest versions, and writes them
	// to slipway.lock.
	UpgradeSystem bool `flag:"upgrade-system" help:"move the system packages of the images to the newest versions, and write slipway.lock"`
}

// Build builds images and pushes them by digest. What the registry already has is neither
// built nor uploaded again.
func Build(ctx context.Context, env *Env, o BuildOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	p.UpgradeSystem = o.UpgradeSystem
	result := p.Result("build")
	result.Names = o.Images
	d, err := deploy.ReadImages(ctx, p, o.Images)
	if err != nil {
		return result, err
	}
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	if d.Registry != nil {
		d.Registry.Verify = o.Verify
	}
	return result, d.Apply(ctx, result)
}

// Images lists the images that the registry has under its prefix. If the registry does not
// support listing, it lists the images that slipway.yaml names.
func Images(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("images")
	to, err := platform.Connect(ctx, p, platform.Uses{Images: true})
	if err != nil {
		return result, err
	}
	listed, err := to.Registry.List(ctx, nil)
	if err != nil && ctx.Err() == nil {
		listed, err = to.Registry.List(ctx, keys(p.Config.Images))
	}
	if err == nil && len(listed) == 0 {
		p.Note("no images yet in " + to.Registry.Prefix)
	}
	for _, l := range listed {
		one := report.Image{Name: l.Repository, Digest: l.Digest, Tags: l.Tags, Bytes: l.Size, Reference: l.Repository + "@" + l.Digest}
		if !l.Created.IsZero() {
			one.Created = &l.Created
		}
		result.Images = append(result.Images, one)
	}
	return result, err
}
