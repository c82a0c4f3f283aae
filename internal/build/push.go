// Package build builds the images of slipway.yaml and pushes them. It maps each kind of
// image to its builder.
package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

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

// Limit is how many images are built concurrently. It is small, because each build is
// concurrent itself.
const Limit = 2

// Push builds and pushes images, in which each comes after the one that it is built on. It
// returns, by name, the images that are in the registry afterwards, including those that were pushed before an error. Cancelling ctx ends the
// builds.
func Push(ctx context.Context, to *platform.Platform, images []*config.Image) (map[string]*image.Pushed, error) {
	pushed := make([]*image.Pushed, len(images))
	places, built := map[string]int{}, make([]chan struct{}, len(images))
	for n, i := range images {
		places[i.Name], built[n] = n, make(chan struct{})
	}
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(Limit)
	for n, i := range images {
		group.Go(func() error {
			var below *name.Digest
			if own, ok := places[i.OwnBase()]; ok {
				select {
				case <-built[own]:
					below = &pushed[own].Reference
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			one, err := push(ctx, to, i, below)
			if pushed[n] = one; err == nil {
				close(built[n])
			}
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

// layer is the part that events count the progress of an image in.
const layer = "layer"

// push builds and pushes one image and reports how the build ended.
func push(ctx context.Context, to *platform.Platform, i *config.Image, below *name.Digest) (*image.Pushed, error) {
	progress, stop := startProgress(ctx, to.Project, i.Name)
	defer stop()
	to.NoteCacheUnused(i.Name)
	pushed, err := Builder(to, i, below, progressNotices(to.Project, progress)).Build(ctx)
	if err != nil {
		return nil, disk.Explain(to.StateDir(), err)
	}
	to.Report(report.Event{
		Kind: report.Done, Step: "image", Subject: i.Name, Message: resultMessage(pushed),
		Amount: &report.Amount{Bytes: pushed.BytesSent, BytesTotal: pushed.BytesTotal, Parts: pushed.Layers, PartsTotal: pushed.Layers, Unit: layer},
	})
	return pushed, nil
}

// resultMessage returns the message that reports how a build ended.
func resultMessage(pushed *image.Pushed) string {
	digest := pushed.Reference.DigestStr()[:19]
	switch {
	case pushed.Steps > 0:
		return fmt.Sprintf("built in %d steps, %d of them cached: %s", pushed.Steps, pushed.Cached, digest)
	case pushed.UpToDate:
		return "up to date: " + digest
	case pushed.Found:
		return "unchanged, and tagged " + strings.Join(pushed.Tags, ", ")
	}
	return fmt.Sprintf("pushed %s in %s", printer.Part(pushed.BytesSent, pushed.BytesTotal), printer.Count(pushed.Layers, layer))
}

// tags returns the additional tags of an image: that of the commit, if the working tree
// is clean, and those of slipway.yaml. The tag of the image's inputs is not among them.
func tags(p *project.Project, i *config.Image) []string {
	var tags []string
	switch r := p.Revision(); {
	case r.Clean:
		tags = append(tags, registry.TagFor(r.Commit))
	case r.Reason != "":
		p.NoteUntagged(i.Name, r.Reason)
	}
	return append(tags, i.Tags...)
}

// confirmTags returns tags without that of the commit if the working tree has changed since
// tags returned them: the image may have been made of files that are not committed.
func confirmTags(ctx context.Context, p *project.Project, i *config.Image, tags []string) []string {
	before := p.Revision()
	if !before.Clean {
		return tags
	}
	now := p.RecheckRevision(ctx)
	if now.Clean {
		return tags
	}
	p.NoteUntagged(i.Name, now.Reason)
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		return tag == registry.TagFor(before.Commit) && !slices.Contains(i.Tags, tag)
	})
}
