package registry

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/slipway-ci/slipway/internal/clock"
)

func serve(t *testing.T, h http.Handler) *Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at(server.URL)
}

// at returns a client for a URL, with short pauses between attempts. It needs retries
// because docker-registry cannot read a manifest while another push is writing it.
func at(url string) *Client {
	return &Client{
		Prefix:      strings.TrimPrefix(url, "http://") + "/acme/ml",
		NameOptions: []name.Option{name.Insecure},
		Transport:   &http.Transport{MaxIdleConnsPerHost: 8},
		Pause:       func(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d/100) },
	}
}

// sample is an image to push.
type sample struct {
	v1.Image
	// expected is the size that its layers are announced with. From MemoryLimit on they are
	// made while they are sent.
	expected  int64
	dir       string
	artifacts []Artifact
}

func newSample(t *testing.T) sample {
	t.Helper()
	image, err := random.Image(20<<10, 1)
	must(t, err)
	return sample{Image: mutate.MediaType(image, types.OCIManifestSchema1), expected: 20 << 10, dir: t.TempDir()}
}

// push pushes the image as the callers of this package do, and returns its digest.
func (s sample) push(ctx context.Context, c *Client, image string, tags ...string) (*name.Digest, error) {
	repository, err := c.Reference(image)
	if err != nil {
		return nil, err
	}
	to, err := c.Open(ctx, repository, Push)
	if err != nil {
		return nil, err
	}
	layers, err := s.Layers()
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		to.Meter.Expect(s.expected)
		if err := to.UploadStream(ctx, Stream{Expected: s.expected, Dir: s.dir, Write: writes(layer)}); err != nil {
			return nil, to.Explain("send a layer of "+repository.String(), err)
		}
	}
	config, err := s.RawConfigFile()
	if err != nil {
		return nil, err
	}
	reserved, err := to.Reserve(ctx)
	if err == nil {
		err = reserved.Finish(ctx, config)
	}
	if err != nil {
		return nil, to.Explain("send the configuration of "+repository.String(), err)
	}
	text, err := s.RawManifest()
	if err != nil {
		return nil, err
	}
	mediaType, err := s.MediaType()
	if err != nil {
		return nil, err
	}
	m := &Manifest{Text: text, MediaType: mediaType, Digest: DigestOf(text)}
	if len(s.artifacts) > 0 {
		if err := to.Attach(ctx, v1.Descriptor{MediaType: mediaType, Digest: m.Digest, Size: int64(len(text))}, s.artifacts); err != nil {
			return nil, err
		}
	}
	for _, tag := range tags {
		if err := to.Tag(ctx, tag, m); err != nil {
			return nil, err
		}
	}
	digest := repository.Digest(m.Digest.String())
	return &digest, nil
}

func writes(layer v1.Layer) func(context.Context, io.Writer) (v1.Hash, int64, error) {
	return func(_ context.Context, w io.Writer) (v1.Hash, int64, error) {
		stream, err := layer.Compressed()
		if err != nil {
			return v1.Hash{}, 0, err
		}
		defer stream.Close()
		var b bytes.Buffer
		n, err := io.Copy(io.MultiWriter(w, &b), stream)
		return DigestOf(b.Bytes()), n, err
	}
}

// wantTags checks that a repository has exactly these tags, and that their images are
// complete.
func wantTags(t *testing.T, c *Client, image string, want ...string) {
	t.Helper()
	repository, err := c.Reference(image)
	must(t, err)
	tags, err := remote.List(repository, c.options(t.Context())...)
	if Status(err) != http.StatusNotFound {
		must(t, err)
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "sha256-") })
	slices.Sort(tags)
	if !slices.Equal(tags, want) {
		t.Errorf("tags %v; want %v", tags, want)
	}
	for _, tag := range tags {
		there, err := remote.Image(repository.Tag(tag), c.options(t.Context())...)
		must(t, err)
		if err := validate.Image(there); err != nil {
			t.Errorf("tag %s points to something incomplete: %v", tag, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
