// Package build builds the images of slipway.yaml and pushes them: it knows which kind of image
// has which builder.
package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Limit is how many images are built at once: a build has threads of its own.
const Limit = 2

// Push builds and pushes images. It returns, by name, what is in the registry then, also those
// that were pushed before an error. Cancelling ctx ends it.
func Push(ctx context.Context, to *platform.Platform, images []*config.Image) (map[string]*image.Pushed, error) {
	pushed := make([]*image.Pushed, len(images))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(Limit)
	for n, i := range images {
		group.Go(func() error {
			one, err := push(ctx, to, i)
			pushed[n] = one
			return err
		})
	}
	err := group.Wait()
	byName := map[string]*image.Pushed{}
	for n, i := range images {
		if pushed[n] != nil {
			byName[i.Name] = pushed[n]
		}
	}
	return byName, err
}

func push(ctx context.Context, to *platform.Platform, i *config.Image) (*image.Pushed, error) {
	pace, stop := paced(ctx, to.Project, i.Name)
	defer stop()
	to.Forgetful(i.Name)
	pushed, err := Builder(to, i, paces(to.Project, pace)).Build(ctx)
	if err != nil {
		return nil, disk.Explain(to.StateDir(), err)
	}
	to.Event(report.Done, "image", i.Name, ending(pushed))
	return pushed, nil
}

// ending says how a build has ended.
func ending(pushed *image.Pushed) string {
	digest := pushed.Reference.DigestStr()[:19]
	switch {
	case pushed.Steps > 0:
		return fmt.Sprintf("built in %d steps, %d of them cached: %s", pushed.Steps, pushed.Cached, digest)
	case pushed.UpToDate:
		return "up to date: " + digest
	case pushed.Found:
		return "unchanged, and tagged " + strings.Join(pushed.Tags, ", ")
	}
	return fmt.Sprintf("pushed %s in %s", printer.Part(pushed.BytesSent, pushed.BytesTotal), printer.Count(pushed.Layers, "layer"))
}

// tags returns the tags of an image besides that of its inputs: the commit's, where the working
// tree is exactly that, and those that slipway.yaml names.
func tags(p *project.Project, i *config.Image) []string {
	var tags []string
	switch r := p.Revision(); {
	case r.Clean:
		tags = append(tags, registry.TagFor(r.Commit))
	case r.Reason != "":
		p.Untagged(i.Name, r.Reason)
	}
	return append(tags, i.Tags...)
}
