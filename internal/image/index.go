package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// indexIdentity returns the hash of what the images of an index are made of.
func indexIdentity(parts []*Recipe) (string, error) {
	inputs := map[string]string{}
	for _, part := range parts {
		inputs[part.spec.platform.String()] = part.Inputs
	}
	text, err := json.Marshal(map[string]any{"version": kindVersion, "kind": "index", "platforms": inputs})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// assembleIndex puts the images of a recipe's parts into an index.
func assembleIndex(r *Recipe, parts []*assembled) (*assembled, error) {
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: annotate(r.spec, r.base)}
	index.Annotations[annotationInputs] = r.Inputs
	a := &assembled{Manifest: registry.Manifest{MediaType: index.MediaType}, changed: parts[0].changed}
	for n, part := range parts {
		platform := r.parts[n].spec.platform
		index.Manifests = append(index.Manifests, v1.Descriptor{
			MediaType: part.MediaType, Size: int64(len(part.Text)), Digest: part.Digest, Platform: &platform,
			Annotations: map[string]string{registry.AnnotationSize: strconv.FormatInt(part.Size, 10), registry.AnnotationLayers: strconv.Itoa(part.Count)},
		})
		a.Size, a.Count = a.Size+part.Size, a.Count+part.Count
		a.variants = append(a.variants, Variant{Platform: platform.String(), Digest: part.Digest.String()})
	}
	var err error
	if a.Text, err = json.Marshal(index); err != nil {
		return nil, fmt.Errorf("assemble the index of image %s: %w", r.Name, err)
	}
	a.Digest = registry.DigestOf(a.Text)
	a.Size += int64(len(a.Text))
	return a, nil
}

// sendIndex sends the images of an index concurrently, and then the index.
func (p *push) sendIndex(ctx context.Context, trustRegistry bool) (*assembled, error) {
	parts := make([]*assembled, len(p.recipe.parts))
	same := &common{}
	group, limited := panics.WithContext(ctx)
	for n, part := range p.recipe.parts {
		one := &push{registry: p.registry, to: p.to, recipe: part, attest: p.attest, common: same}
		group.Go(func() (err error) {
			parts[n], err = one.send(limited, trustRegistry)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	p.confirmTags(ctx)
	a, err := assembleIndex(p.recipe, parts)
	if err != nil {
		return nil, err
	}
	if err := p.attach(ctx, a, ""); err != nil {
		return nil, err
	}
	return a, p.putManifests(ctx, a)
}

// common holds the layers that the images of an index share.
type common struct {
	mu   sync.Mutex
	sent map[string]func() (facts, error)
}

// once calls send for the first image that has a layer. For the other images it waits for
// that call, and calls had with the layer's facts. If c is nil, the image is not part of an
// index, and once just calls send.
func (c *common) once(ctx context.Context, fingerprint string, send func() (facts, error), had func(facts)) (facts, error) {
	if c == nil {
		return send()
	}
	mine := false
	c.mu.Lock()
	if c.sent == nil {
		c.sent = map[string]func() (facts, error){}
	}
	if c.sent[fingerprint] == nil {
		mine, c.sent[fingerprint] = true, sync.OnceValues(send)
	}
	get := c.sent[fingerprint]
	c.mu.Unlock()
	f, err := get()
	switch {
	case mine:
	case err == nil:
		had(f)
	case errors.Is(err, context.Canceled) && ctx.Err() == nil:
		return send() // the push of the first image was cancelled, which it reports itself
	}
	return f, err
}
