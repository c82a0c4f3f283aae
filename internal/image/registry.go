package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"golang.org/x/sync/errgroup"
)

const (
	// uploads is how many layers are sent at once.
	uploads = 4
	// attempts is how often a request that failed in passing is sent.
	attempts = 5
)

// Registry is where images go.
type Registry struct {
	// Prefix is what stands before an image's name: asia.gcr.io/acme-ml/team-a.
	Prefix string
	// Options are credentials and transport.
	Options []remote.Option
	// NameOptions allow plain HTTP, for the sandbox.
	NameOptions []name.Option
	// Pause waits between attempts; by the clock when nil.
	Pause func(context.Context, time.Duration) error
}

// Progress is how far a push has come, in compressed bytes and in layers.
type Progress struct {
	Bytes, BytesTotal int64
	Layers, Total     int
}

// Pushed is an image that stands in the registry, whole.
type Pushed struct {
	Name      string
	Reference name.Digest
	Tags      []string
	// UpToDate tells that the registry had it, tags and all.
	UpToDate   bool
	BytesSent  int64
	BytesTotal int64
	Layers     int
}

// options are those of a request. go-containerregistry's own retries do not heed
// the context: this package repeats requests itself.
func (r *Registry) options(ctx context.Context, more ...remote.Option) []remote.Option {
	options := append([]remote.Option{}, r.Options...)
	options = append(options, remote.WithContext(ctx), remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryStatusCodes())
	return append(options, more...)
}

// Reference gives where an image of this name goes.
func (r *Registry) Reference(image string) (name.Repository, error) {
	repository, err := name.NewRepository(strings.TrimSuffix(r.Prefix, "/")+"/"+image, r.NameOptions...)
	if err != nil {
		return name.Repository{}, fmt.Errorf("the registry %s and the image's name %s make no reference: %w", r.Prefix, image, err)
	}
	return repository, nil
}

// Has tells whether the registry has the image under the tag of its inputs.
func (r *Registry) Has(ctx context.Context, i *Image) (bool, error) {
	repository, err := r.Reference(i.Name)
	if err != nil {
		return false, err
	}
	return r.tagged(ctx, repository.Tag(InputsTag(i.Inputs)), i.Digest)
}

// tagged tells whether a tag points to digest.
func (r *Registry) tagged(ctx context.Context, tag name.Tag, digest v1.Hash) (bool, error) {
	found := false
	err := r.retry(ctx, func() error {
		descriptor, err := remote.Head(tag, r.options(ctx)...)
		found = err == nil && descriptor.Digest == digest
		if status(err) == http.StatusNotFound {
			return nil
		}
		return err
	})
	return found, r.explain("ask for "+tag.String(), err)
}

// Push sends an image: layers that the registry lacks, at once under a limit, then
// the manifest by digest, and the tags last, so that no tag ever points to
// something incomplete. What is there already is not sent. It can be repeated
// after any failure, and sends only what is missing then.
func (r *Registry) Push(ctx context.Context, i *Image, tags []string, progress func(Progress)) (*Pushed, error) {
	repository, err := r.Reference(i.Name)
	if err != nil {
		return nil, err
	}
	pushed := &Pushed{Name: i.Name, Reference: repository.Digest(i.Digest.String()), Tags: tags, BytesTotal: i.Size, Layers: i.Layers}
	missing, err := r.missing(ctx, repository, i.Digest, tags)
	if err != nil {
		return nil, err
	}
	if len(tags) > 0 && len(missing) == 0 {
		pushed.UpToDate = true
		return pushed, nil
	}
	if pushed.BytesSent, err = r.content(ctx, repository, i, progress); err != nil {
		return nil, err
	}
	for _, tag := range missing {
		if err := r.retry(ctx, func() error { return r.tag(ctx, repository.Tag(tag), i) }); err != nil {
			return nil, r.explain("tag "+repository.Tag(tag).String(), err)
		}
	}
	return pushed, nil
}

// missing gives the tags that do not point to digest.
func (r *Registry) missing(ctx context.Context, repository name.Repository, digest v1.Hash, tags []string) ([]string, error) {
	var missing []string
	for _, tag := range tags {
		reference, err := name.NewTag(repository.String()+":"+tag, append([]name.Option{name.StrictValidation}, r.NameOptions...)...)
		if err != nil {
			return nil, fmt.Errorf("%q is no tag: %w", tag, err)
		}
		there, err := r.tagged(ctx, reference, digest)
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, tag)
		}
	}
	return missing, nil
}

// tag points a tag to the image. A registry that does not let tags move takes
// the same digest again as done.
func (r *Registry) tag(ctx context.Context, tag name.Tag, i *Image) error {
	err := remote.Tag(tag, i.V1, r.options(ctx)...)
	if code := status(err); code == http.StatusConflict || code == http.StatusBadRequest || code == http.StatusForbidden {
		if there, headErr := r.tagged(ctx, tag, i.Digest); headErr == nil && there {
			return nil
		}
	}
	return err
}

// content sends layers, configuration and manifest, and counts layers' bytes.
func (r *Registry) content(ctx context.Context, repository name.Repository, i *Image, progress func(Progress)) (int64, error) {
	layers, err := i.V1.Layers()
	if err != nil {
		return 0, fmt.Errorf("read the layers of image %s: %w", i.Name, err)
	}
	var sent, done atomic.Int64
	tell := func() {
		if progress != nil {
			progress(Progress{Bytes: sent.Load(), BytesTotal: i.Size, Layers: int(done.Load()), Total: len(layers)})
		}
	}
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for _, layer := range layers {
		group.Go(func() error {
			err := r.retry(limited, func() error {
				return remote.WriteLayer(repository, &countedLayer{Layer: layer, sent: &sent, tell: tell}, r.options(limited)...)
			})
			if err == nil {
				done.Add(1)
				tell()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return sent.Load(), r.explain("send the layers of "+repository.String(), err)
	}
	reference := repository.Digest(i.Digest.String())
	err = r.retry(ctx, func() error { return remote.Write(reference, i.V1, r.options(ctx, remote.WithJobs(uploads))...) })
	return sent.Load(), r.explain("send "+reference.String(), err)
}

// countedLayer counts what is read of it to be sent.
type countedLayer struct {
	v1.Layer
	sent *atomic.Int64
	tell func()
}

// Compressed implements v1.Layer.
func (l *countedLayer) Compressed() (io.ReadCloser, error) {
	body, err := l.Layer.Compressed()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, l), body}, nil
}

func (l *countedLayer) Write(b []byte) (int, error) {
	l.sent.Add(int64(len(b)))
	l.tell()
	return len(b), nil
}

// retry repeats what fails in passing, and heeds the context while it waits.
func (r *Registry) retry(ctx context.Context, do func() error) error {
	pause := r.Pause
	if pause == nil {
		pause = wait
	}
	for n := 1; ; n++ {
		err := do()
		if err == nil || n == attempts || ctx.Err() != nil || !passing(err) {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond<<n); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// passing tells whether the same request may succeed when it is sent again.
func passing(err error) bool {
	switch code := status(err); {
	case code == http.StatusTooManyRequests, code >= 500, code == http.StatusRequestTimeout:
		return true
	case code == http.StatusNotFound || code == http.StatusBadRequest:
		// A blob that vanished between the question and the manifest: it is sent again.
		var refused *transport.Error
		if errors.As(err, &refused) {
			for _, d := range refused.Errors {
				if d.Code == transport.ManifestBlobUnknownErrorCode || d.Code == transport.BlobUnknownErrorCode || d.Code == transport.BlobUploadUnknownErrorCode {
					return true
				}
			}
		}
		return false
	case code != 0:
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "connection reset") || strings.Contains(err.Error(), "broken pipe")
}

// status gives the HTTP status of a registry's refusal, 0 for other errors.
func status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// explain says what the user can do.
func (r *Registry) explain(what string, err error) error {
	switch code := status(err); {
	case err == nil:
		return nil
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%s: the registry refuses the credentials (%d); slipway uses those of `docker login` and of docker's credential helpers: %w", what, code, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Listed is one image that the registry has.
type Listed struct {
	Repository string
	Digest     string
	Tags       []string
	Size       int64
	Created    time.Time
}

// List gives the images of these names that the registry has, with their tags.
func (r *Registry) List(ctx context.Context, images []string) ([]Listed, error) {
	var all []Listed
	for _, image := range images {
		repository, err := r.Reference(image)
		if err != nil {
			return all, err
		}
		var tags []string
		err = r.retry(ctx, func() error {
			tags, err = remote.List(repository, r.options(ctx)...)
			return err
		})
		if status(err) == http.StatusNotFound {
			continue
		}
		if err != nil {
			return all, r.explain("list "+repository.String(), err)
		}
		listed, err := r.describe(ctx, repository, tags)
		if err != nil {
			return all, r.explain("list "+repository.String(), err)
		}
		all = append(all, listed...)
	}
	return all, nil
}

// describe gives the images that tags point to, each once.
func (r *Registry) describe(ctx context.Context, repository name.Repository, tags []string) ([]Listed, error) {
	sort.Strings(tags)
	byDigest := map[string]*Listed{}
	var order []string
	for _, tag := range tags {
		descriptor, err := remote.Get(repository.Tag(tag), r.options(ctx)...)
		if err != nil {
			return nil, err
		}
		digest := descriptor.Digest.String()
		if known := byDigest[digest]; known != nil {
			known.Tags = append(known.Tags, tag)
			continue
		}
		one := &Listed{Repository: repository.String(), Digest: digest, Tags: []string{tag}}
		if image, err := descriptor.Image(); err == nil {
			if manifest, err := image.Manifest(); err == nil {
				for _, layer := range manifest.Layers {
					one.Size += layer.Size
				}
			}
			if config, err := image.ConfigFile(); err == nil && config.Created.Unix() > 0 {
				one.Created = config.Created.Time
			}
		}
		byDigest[digest] = one
		order = append(order, digest)
	}
	var listed []Listed
	for _, digest := range order {
		listed = append(listed, *byDigest[digest])
	}
	return listed, nil
}
