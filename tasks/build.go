package tasks

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// buildLimit is how many images are built at once: a build has threads of its own.
const buildLimit = 2

// BuildOptions say how to build.
type BuildOptions struct {
	// Images are the names of those to build, all when there are none.
	Images []string
	// Verify asks the registry for every blob of what it has, and sends again what
	// it has lost. Without it, a registry's manifest is believed.
	Verify bool
}

// Build builds images and pushes them by digest. What
// the registry has already is neither built nor sent again.
func Build(ctx context.Context, env *Env, o BuildOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("build")
	images, err := p.imagesNamed(o.Images)
	if err != nil {
		return result, err
	}
	if err := errors.Join(p.config.Unbuilt(nil, nil), p.checkImages(ctx, images)); err != nil {
		return result, err
	}
	to, err := p.connect(ctx, uses{images: true})
	if err != nil {
		return result, err
	}
	to.registry.Verify = o.Verify
	pushed, err := p.push(ctx, to, images)
	for _, i := range sorted(pushed) {
		result.Images = append(result.Images, reportImage(pushed[i]))
	}
	return result, err
}

// imagesNamed gives the images with these names, all when there are none.
func (p *project) imagesNamed(names []string) ([]*config.Image, error) {
	if len(names) == 0 {
		names = sorted(p.config.Images)
	}
	var images []*config.Image
	for _, n := range names {
		i, ok := p.config.Images[n]
		if !ok {
			return nil, unknown("image", n, sorted(p.config.Images))
		}
		images = append(images, i)
	}
	return images, nil
}

// imagesOf gives the images that jobs use.
func (p *project) imagesOf(jobs []*config.Job) []*config.Image {
	used := map[string]*config.Image{}
	for _, j := range jobs {
		if j.Image != "" {
			used[j.Image] = p.config.Images[j.Image]
		}
	}
	var images []*config.Image
	for _, n := range sorted(used) {
		images = append(images, used[n])
	}
	return images
}

// push builds and pushes images and gives, by name, what stands in the registry.
func (p *project) push(ctx context.Context, to *platform, images []*config.Image) (map[string]*image.Pushed, error) {
	pushed := make([]*image.Pushed, len(images))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(buildLimit)
	for n, i := range images {
		group.Go(func() error {
			one, err := p.pushOne(ctx, to, i)
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

func (p *project) pushOne(ctx context.Context, to *platform, i *config.Image) (*image.Pushed, error) {
	pace, stop := p.paced(ctx, i.Name)
	defer stop()
	p.tellForgetful(i.Name)
	pushed, err := p.imageBuilder(to, i, p.paces(pace)).Build(ctx)
	if err != nil {
		return nil, disk.Explain(p.state(), err)
	}
	p.event(report.Done, "image", i.Name, ending(pushed))
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

// tags gives the tags of an image besides that of its inputs: the commit's, where
// the tree is exactly that, and those that slipway.yaml names.
func (p *project) tags(i *config.Image) []string {
	var tags []string
	switch r := p.revision(); {
	case r.Clean:
		tags = append(tags, registry.TagFor(r.Commit))
	case r.Reason != "":
		p.untagged.Do(func() { p.event(report.Note, "image", i.Name, "no image gets a commit's tag: "+r.Reason) })
	}
	return append(tags, i.Tags...)
}

// noticed are the kinds of events that notices of images are.
var noticed = map[image.Level]report.Kind{
	image.Begin: report.Start, image.Detail: report.Progress, image.Log: report.Detail, image.Moving: report.Progress,
	image.Step: report.Advance, image.Note: report.Note, image.Warning: report.Warning, image.Failed: report.Failed,
}

// notices tells what there is to know of an image.
func (p *project) notices(name string) func(image.Notice) {
	return func(n image.Notice) { p.event(noticed[n.Level], "image", name, noticeText(n)) }
}

// paces tells what there is to know of an image, at the pace of its build.
func (p *project) paces(pace *pace) func(image.Notice) {
	return func(n image.Notice) {
		switch n.Level {
		case image.Step:
			pace.step(n.Text)
		case image.Detail, image.Moving:
			pace.progress(noticeText(n))
		default:
			p.event(noticed[n.Level], "image", pace.name, n.Text)
		}
	}
}

func noticeText(n image.Notice) string {
	if n.Level != image.Moving {
		return n.Text
	}
	text := printer.Part(n.Progress.Bytes, n.Progress.BytesTotal)
	if n.Text != "" {
		text = n.Text + ": " + text
	}
	if n.Progress.Total > 0 {
		text += fmt.Sprintf(", %d of %d layers", n.Progress.Layers, n.Progress.Total)
	}
	return text
}

func reportImage(pushed *image.Pushed) report.Image {
	action := "pushed"
	switch {
	case pushed.UpToDate:
		action = "up-to-date"
	case pushed.Found:
		action = "tagged"
	}
	return report.Image{
		Name: pushed.Name, Reference: pushed.Reference.String(), Digest: pushed.Reference.DigestStr(), Tags: pushed.Tags,
		Action: action, Bytes: pushed.BytesTotal, Sent: pushed.BytesSent, Layers: pushed.Layers, Changed: pushed.Changed,
	}
}

// Images lists what the registry holds under its prefix; where the registry does
// not tell what is there, of the images that slipway.yaml names.
func Images(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("images")
	to, err := p.connect(ctx, uses{images: true})
	if err != nil {
		return result, err
	}
	listed, err := to.registry.List(ctx, nil)
	if err != nil && ctx.Err() == nil {
		listed, err = to.registry.List(ctx, sorted(p.config.Images))
	}
	if err == nil && len(listed) == 0 {
		p.event(report.Note, "", "", "no images yet in "+to.registry.Prefix)
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

// sorted gives the keys of m in order.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// unknown is the error for a name that slipway.yaml does not have.
func unknown(what, name string, known []string) error {
	if near, ok := source.Nearest(name, known); ok {
		return usagef("no %s is called %s in slipway.yaml (did you mean %s?)", what, name, near)
	}
	if len(known) == 0 {
		return usagef("no %s is called %s: slipway.yaml has none", what, name)
	}
	return usagef("no %s is called %s in slipway.yaml, which has %s", what, name, strings.Join(known, ", "))
}
