package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

const (
	// uploads is how many blobs are sent at once.
	uploads = 4
	// rounds is how often an image is sent to a registry that loses blobs
	// meanwhile.
	rounds = 3
)

// Pushed is an image that stands in the registry, whole.
type Pushed struct {
	Name string
	// Reference names it by its digest.
	Reference name.Digest
	Tags      []string
	// UpToDate tells that the registry had it, tags and all.
	UpToDate bool
	// BytesSent counts what was sent: blobs, manifests, and what was sent in vain.
	BytesSent int64
	// BytesTotal is the image's size.
	BytesTotal int64
	Layers     int
}

// push is one image on its way.
type push struct {
	*Registry
	image      *Image
	repository name.Repository
	puller     *remote.Puller
	pusher     *remote.Pusher
	meter      *meter
}

// Push sends an image: the blobs that the registry lacks, at once under a limit,
// then the manifest by digest, and the tags last, so that no tag ever points to
// something incomplete. What is there already is not sent; what the registry has
// lost is sent again. It can be repeated after any failure, and sends only what is
// missing then. It ends with the context.
//
// progress, when not nil, is called by one goroutine at a time, and not after
// Push has returned.
func (r *Registry) Push(ctx context.Context, i *Image, tags []string, progress func(Progress)) (*Pushed, error) {
	repository, err := r.Reference(i.Name)
	if err != nil {
		return nil, err
	}
	for _, tag := range tags {
		if !ValidTag(tag) {
			return nil, fmt.Errorf("%q cannot be a tag of %s: it may have letters, digits, _, . and -, no . or - in front, and %d characters", tag, repository, maxTag)
		}
	}
	p := &push{Registry: r, image: i, repository: repository, meter: newMeter(i, progress)}
	defer p.meter.end()
	if p.puller, err = remote.NewPuller(r.options(ctx)...); err != nil {
		return nil, fmt.Errorf("push %s: %w", repository, err)
	}
	pushed := &Pushed{Name: i.Name, Reference: repository.Digest(i.Digest.String()), Tags: tags, BytesTotal: i.Size, Layers: i.Layers}
	missing, whole, err := p.compare(ctx, tags)
	if err != nil {
		return nil, err
	}
	if pushed.UpToDate = whole && len(missing) == 0; pushed.UpToDate {
		return pushed, nil
	}
	for n := range rounds {
		if err = p.send(ctx, missing); !vanished(err) || n == rounds-1 {
			break
		}
	}
	pushed.BytesSent = p.meter.sent.Load()
	if err != nil {
		return nil, err
	}
	return pushed, nil
}

// compare gives the tags that do not point to the image yet, and whether the
// registry has all of it that this build made. The base's layers are left to the
// registry's word, so that questions do not grow with the base.
func (p *push) compare(ctx context.Context, tags []string) (missing []string, whole bool, err error) {
	layers, err := p.own()
	if err != nil {
		return nil, false, err
	}
	reference := p.repository.Digest(p.image.Digest.String())
	if whole, err = p.pointsTo(ctx, p.puller, reference, p.image.Digest); err != nil || !whole {
		return slices.Compact(slices.Sorted(slices.Values(tags))), false, err
	}
	var lacking atomic.Bool
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, digest := range layers {
		group.Go(func() error {
			there, err := p.hasBlob(limited, digest)
			if !there {
				lacking.Store(true)
			}
			return err
		})
	}
	distinct := slices.Compact(slices.Sorted(slices.Values(tags)))
	absent := make([]bool, len(distinct))
	for n, tag := range distinct {
		group.Go(func() error {
			there, err := p.pointsTo(limited, p.puller, p.repository.Tag(tag), p.image.Digest)
			absent[n] = !there
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	for n, tag := range distinct {
		if absent[n] {
			missing = append(missing, tag)
		}
	}
	return missing, !lacking.Load(), nil
}

// own gives the digests of the blobs that this build made.
func (p *push) own() ([]v1.Hash, error) {
	layers, err := p.image.V1.Layers()
	if err != nil {
		return nil, fmt.Errorf("read the layers of image %s: %w", p.image.Name, err)
	}
	config, err := p.image.V1.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("read the configuration of image %s: %w", p.image.Name, err)
	}
	digests := []v1.Hash{config}
	for _, l := range layers {
		if made, ok := l.(*layer); ok {
			digests = append(digests, made.facts.Digest)
		}
	}
	return digests, nil
}

func (p *push) hasBlob(ctx context.Context, digest v1.Hash) (bool, error) {
	found := false
	reference := p.repository.Digest(digest.String())
	err := p.retry(ctx, func() error {
		blob, err := p.puller.Layer(ctx, reference)
		if err != nil {
			return err
		}
		found, err = partial.Exists(blob)
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	})
	return found, p.explain("ask for "+reference.String(), p.repository.RegistryStr(), err)
}

// send sends blobs, manifest and tags, in this order. A pusher remembers what it
// saw in the registry, so that each time has one of its own.
func (p *push) send(ctx context.Context, tags []string) (err error) {
	p.meter.restart()
	if p.pusher, err = remote.NewPusher(p.options(ctx)...); err != nil {
		return fmt.Errorf("push %s: %w", p.repository, err)
	}
	if err := p.blobs(ctx); err != nil {
		return err
	}
	raw, err := p.image.V1.RawManifest()
	if err != nil {
		return fmt.Errorf("read the manifest of image %s: %w", p.image.Name, err)
	}
	reference := p.repository.Digest(p.image.Digest.String())
	if err := p.manifest(ctx, reference, raw); err != nil {
		return p.explain("send the manifest "+reference.String(), p.repository.RegistryStr(), err)
	}
	p.meter.settle(0, int64(len(raw)), true, false)
	for _, tag := range tags {
		if err := p.tag(ctx, p.repository.Tag(tag), raw); err != nil {
			return err
		}
	}
	return nil
}

// blobs sends layers and configuration.
func (p *push) blobs(ctx context.Context) error {
	layers, err := p.image.V1.Layers()
	if err != nil {
		return fmt.Errorf("read the layers of image %s: %w", p.image.Name, err)
	}
	config, err := partial.ConfigLayer(p.image.V1)
	if err != nil {
		return fmt.Errorf("read the configuration of image %s: %w", p.image.Name, err)
	}
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for n, l := range append(slices.Clone(layers), config) {
		group.Go(func() error { return p.blob(limited, l, n < len(layers)) })
	}
	return group.Wait()
}

func (p *push) blob(ctx context.Context, l v1.Layer, isLayer bool) error {
	size, err := l.Size()
	if err != nil {
		return fmt.Errorf("read the layers of image %s: %w", p.image.Name, err)
	}
	err = p.retry(ctx, func() error {
		counted := &countedLayer{Layer: l, ctx: ctx, meter: p.meter}
		var upload v1.Layer = counted
		if from, ok := l.(*remote.MountableLayer); ok { // of the base: the registry may have it elsewhere
			counted.Layer = from.Layer
			upload = &remote.MountableLayer{Layer: counted, Reference: from.Reference}
		}
		err := p.pusher.Upload(ctx, p.repository, upload)
		p.meter.settle(counted.read.Swap(0), size, err == nil, isLayer)
		return err
	})
	if err == nil {
		return nil
	}
	digest, _ := l.Digest()
	return p.explain(fmt.Sprintf("send %s of %s", digest, p.repository), p.repository.RegistryStr(), err)
}

// manifest puts the manifest under a digest or tag.
func (p *push) manifest(ctx context.Context, reference name.Reference, raw []byte) error {
	return p.retry(ctx, func() error {
		p.meter.sent.Add(int64(len(raw)))
		return p.pusher.Put(ctx, reference, p.image.V1)
	})
}

// tag points a tag to the image. A registry that does not let tags move may
// refuse even the digest that the tag has: then it is done.
func (p *push) tag(ctx context.Context, tag name.Tag, raw []byte) error {
	err := p.manifest(ctx, tag, raw)
	if err == nil || ctx.Err() != nil || status(err)/100 != 4 || vanished(err) {
		return p.explain("tag "+tag.String(), p.repository.RegistryStr(), err)
	}
	if there, headErr := p.pointsTo(ctx, p.puller, tag, p.image.Digest); headErr == nil && there {
		return nil
	}
	if code := status(err); code == http.StatusBadRequest || code == http.StatusConflict || code == http.StatusMethodNotAllowed {
		err = errors.Join(err, errors.New("the tag may be immutable and stand for another image; choose another tag, or delete it"))
	}
	return p.explain("tag "+tag.String(), p.repository.RegistryStr(), err)
}

// countedLayer tells the meter what is read of a layer, to be sent.
type countedLayer struct {
	v1.Layer
	ctx   context.Context
	meter *meter
	read  atomic.Int64
}

// Compressed implements v1.Layer.
func (l *countedLayer) Compressed() (io.ReadCloser, error) {
	var body io.ReadCloser
	var err error
	if made, ok := l.Layer.(*layer); ok {
		body, err = made.open(l.ctx)
	} else {
		body, err = l.Layer.Compressed()
	}
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, l), body}, nil
}

func (l *countedLayer) Write(b []byte) (int, error) {
	l.read.Add(int64(len(b)))
	l.meter.moving(int64(len(b)))
	return len(b), nil
}
