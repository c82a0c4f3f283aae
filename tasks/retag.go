package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/tasks/report"
)

// RetagOptions say which images get which tag.
type RetagOptions struct {
	// From is a commit's hash or the beginning of it, a branch or tag of git, or HEAD; or
	// any tag of the images.
	From string
	// To is the tag that they get.
	To string
	// Force moves a tag that stands for another image.
	Force bool
}

// Retag gives all images of a commit another tag, without building them.
func Retag(ctx context.Context, env *Env, o RetagOptions) (*Result, error) {
	from := o.From
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("retag")
	tag := registry.TagFor(o.To)
	if tag == "" {
		return result, usagef("%q makes no tag", o.To)
	}
	if len(p.config.Images) == 0 {
		return result, usagef("slipway.yaml has no images")
	}
	commit, err := revision.Resolve(ctx, p.config.Dir, p.Environ, from)
	if err != nil {
		return result, fmt.Errorf("ask git for %s: %w", from, err)
	}
	if commit != "" {
		from = commit
	}
	connected, err := p.connect(ctx, uses{images: true})
	if err != nil {
		return result, err
	}
	done, err := connected.registry.Retag(ctx, sorted(p.config.Images), registry.TagFor(from), tag, o.Force)
	for _, r := range done {
		one := report.Image{Name: r.Name, Reference: r.Reference.String(), Digest: r.Reference.DigestStr(), Tags: []string{tag}, Action: "tagged"}
		if r.UpToDate {
			one.Action = "up-to-date"
		}
		p.event(report.Done, "retag", r.Name, r.Tag.String())
		result.Images = append(result.Images, one)
	}
	return result, interruptedOr(ctx, err)
}
