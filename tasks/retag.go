package tasks

import (
	"cmp"
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// RetagOptions are the options of Retag.
type RetagOptions struct {
	// From selects the images: the hash of a commit or its beginning, a branch or tag of git,
	// HEAD, or any tag of the images.
	From string `arg:"FROM"`
	// To is the new tag.
	To string `arg:"TO"`
	// Force moves the tag if it already names another image.
	Force bool `flag:"force" help:"move a tag that points to another image"`
}

// Retag adds a tag to all images of a commit, without building them.
func Retag(ctx context.Context, env *Env, o RetagOptions) (*Result, error) {
	from := o.From
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("retag")
	tag := registry.TagFor(o.To)
	if tag == "" {
		return result, exit.Usagef("%q is not a valid tag", o.To)
	}
	if len(p.Config.Images) == 0 {
		return result, exit.Usagef("slipway.yaml declares no images")
	}
	commit, err := revision.Resolve(ctx, p.Config.Dir, p.Environ, from)
	if err != nil {
		return result, fmt.Errorf("ask git for %s: %w", from, err)
	}
	if commit != "" {
		from = commit
	}
	if from == "HEAD" {
		return result, exit.Usagef("HEAD is no commit: %s", cmp.Or(p.Revision().Reason, "this is not a repository of git, or one without a commit"))
	}
	connected, err := platform.Connect(ctx, p, platform.Uses{Images: true})
	if err != nil {
		return result, err
	}
	done, err := connected.Registry.Retag(ctx, keys(p.Config.Images), registry.TagFor(from), tag, o.Force)
	for _, r := range done {
		one := report.Image{Name: r.Name, Reference: r.Reference.String(), Digest: r.Reference.DigestStr(), Tags: []string{tag}, Action: report.ActionTagged}
		if r.UpToDate {
			one.Action = report.ActionUpToDate
		}
		p.Event(report.Done, "retag", r.Name, r.Tag.String())
		result.Images = append(result.Images, one)
	}
	return result, exit.IfInterrupted(ctx, err)
}
