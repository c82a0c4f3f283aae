package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/registry"
)

// Adopt turns an image or index that another builder has pushed by digest, to the
// repository of s.Name, into an image of slipway: it adds slipway's annotations, attaches
// what attest returns (attest may be nil), and finally writes the tags. The digest is the
// identity of such an image. If the registry has an image that was adopted from this digest
// before, Adopt takes that one and writes only those tags that do not point to it yet.
//
// Of the spec, Adopt uses the name, the platforms and the source. It calls made, which may
// be nil, to learn what the image is made of, but only if the image was not adopted before.
// Adopt can be repeated after any failure, and returns early when ctx is done.
func Adopt(ctx context.Context, to *registry.Client, s Spec, built v1.Hash, tags []string, attest Attester, made func() (Ingredients, error)) (*Pushed, error) {
	s.platform = sortedPlatforms(s.Platforms)[0]
	recipe := &Recipe{Name: s.Name, spec: s}
	var err error
	if recipe.Inputs, err = adoptedIdentity(s, built); err != nil {
		return nil, err
	}
	p, err := open(ctx, to, recipe, tags, attest)
	if err != nil {
		return nil, err
	}
	at := p.to.Name
	found, err := findByInputs(ctx, p.to, recipe)
	if err != nil {
		return nil, err
	}
	if found != nil && to.Verify {
		if err := p.verifyAdopted(ctx, found); err != nil {
			return nil, err
		}
	}
	if found != nil {
		unmoved, err := p.retag(ctx, found)
		return &Pushed{
			Name: s.Name, Reference: at.Digest(found.Digest.String()), Tags: p.tags, Found: true, UpToDate: unmoved,
			BytesSent: p.to.Meter.Sent(), BytesTotal: found.Size, Layers: found.Count,
		}, err
	}
	there, err := p.to.Manifest(ctx, built.String())
	if err == nil && there == nil {
		err = fmt.Errorf("image %s was not found in the registry, although the builder reported that it was pushed", at.Digest(built.String()))
	}
	if err != nil {
		return nil, err
	}
	p.confirmTags(ctx)
	a, err := p.adopt(ctx, there)
	if err != nil {
		return nil, err
	}
	if made != nil {
		if err := p.compare(ctx, a, made); err != nil {
			return nil, err
		}
	}
	if err := p.putManifests(ctx, a); err != nil {
		return nil, err
	}
	if made != nil {
		if err := p.putLastPushed(ctx, a, p.described.encoded); err != nil {
			return nil, err
		}
	}
	return &Pushed{
		Name: s.Name, Reference: at.Digest(a.Digest.String()), Tags: p.tags,
		BytesSent: p.to.Meter.Sent(), BytesTotal: a.Size, Layers: a.Count, Changed: a.changed,
	}, nil
}

// verifyAdopted checks that the registry has all blobs of an adopted image. If one is
// missing it returns an error, because the builder, which has just pushed, sends only what
// the registry says it lacks.
func (p *push) verifyAdopted(ctx context.Context, found *remoteImage) error {
	whole, err := p.verify(ctx, found)
	if err == nil && whole == nil {
		if err = p.to.CheckRepaired(ctx); err == nil {
			err = fmt.Errorf("blobs of %s are missing in the registry, although it reports them as present: delete the image there, and build it again", p.to.Name.Digest(found.Digest.String()))
		}
	}
	return err
}

// compare describes an image, and sets a.changed to the differences from the image that was
// pushed last.
func (p *push) compare(ctx context.Context, a *assembled, made func() (Ingredients, error)) error {
	now, err := made()
	if err != nil {
		return err
	}
	last, err := lastPushed(ctx, p.to, p.recipe)
	if err != nil {
		return err
	}
	old := last.ingredients()
	if p.described, err = describe(now, old); err != nil {
		return err
	}
	if a.changed = p.described.changed; old != nil && len(a.changed) == 0 {
		a.changed = []string{"the output of its steps for the same files"}
	}
	return nil
}

// adoptedIdentity returns the identity of an image that another builder has built.
func adoptedIdentity(s Spec, built v1.Hash) (string, error) {
	text, err := json.Marshal(map[string]any{"version": kindVersion, "kind": "adopted", "built": built.String(), "annotations": annotate(s, nil)})
	return registry.DigestOf(text).Hex, err
}

// adopt adds annotations to an image in the registry, and attaches the attestations of the
// image and, if it is an index, of its images.
func (p *push) adopt(ctx context.Context, there *registry.Manifest) (*assembled, error) {
	a, err := annotated(there, p.recipe)
	if err != nil {
		return nil, fmt.Errorf("annotate %s: %w", p.to.Name.Digest(there.Digest.String()), err)
	}
	group, limited := panics.WithContext(ctx)
	group.SetLimit(registry.Parallel)
	var mu sync.Mutex
	for _, variant := range a.variants {
		group.Go(func() error {
			image, err := p.to.Manifest(limited, variant.Digest)
			if err != nil || image == nil {
				return err
			}
			mu.Lock()
			a.Size, a.Count = a.Size+image.Size, a.Count+image.Count
			mu.Unlock()
			return p.attach(limited, &assembled{Manifest: *image}, variant.Platform)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	platform := ""
	if len(a.variants) == 0 {
		platform = sortedPlatforms(p.recipe.spec.Platforms)[0].String()
	}
	return a, p.attach(ctx, a, platform)
}

// annotated returns an image with slipway's annotations added to its own.
func annotated(there *registry.Manifest, r *Recipe) (*assembled, error) {
	var manifest map[string]json.RawMessage
	var had struct {
		Annotations map[string]string `json:"annotations"`
	}
	if err := errors.Join(json.Unmarshal(there.Text, &manifest), json.Unmarshal(there.Text, &had)); err != nil {
		return nil, err
	}
	own := annotate(r.spec, nil)
	own[annotationInputs] = r.Inputs
	for name, value := range had.Annotations {
		if _, ours := own[name]; !ours {
			own[name] = value
		}
	}
	var err error
	if manifest["annotations"], err = json.Marshal(own); err != nil {
		return nil, err
	}
	a := &assembled{Manifest: registry.Manifest{MediaType: there.MediaType, Size: there.Size, Count: there.Count}}
	if a.Text, err = json.Marshal(manifest); err != nil {
		return nil, err
	}
	a.Digest = registry.DigestOf(a.Text)
	for _, child := range there.Children {
		// The builder's own attestations have the platform unknown.
		if child.Platform != nil && child.Platform.OS != "unknown" {
			a.variants = append(a.variants, Variant{child.Platform.String(), child.Digest.String()})
		}
	}
	return a, nil
}
