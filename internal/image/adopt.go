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

// Adopt makes an image, or an index, that another builder has put into the
// repository of s.Name under its digest, one of slipway's: with its annotations, with what attest says of it (nothing when nil), and with the
// tags, which come last. Such an image is its own inputs: if the registry has
// adopted one of this digest before, that one is taken, and only tags are written
// that do not point to it.
//
// Of the spec the name, the platforms and the source count. What it is made of is
// asked for when it was not adopted before; made may be nil. Adopt can be repeated
// after any failure, and ends with ctx.
func Adopt(ctx context.Context, to *registry.Client, s Spec, built v1.Hash, tags []string, attest Attester, made func() (Ingredients, error)) (*Pushed, error) {
	s.platform = ordered(s.Platforms)[0]
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
	found, err := find(ctx, p.to, recipe)
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
	there, err := p.to.Look(ctx, built.String())
	if err == nil && there == nil {
		err = fmt.Errorf("the registry has no image %s, which the builder said it had pushed", at.Digest(built.String()))
	}
	if err != nil {
		return nil, err
	}
	a, err := p.adopt(ctx, there)
	if err != nil {
		return nil, err
	}
	var now *Ingredients
	if made != nil {
		if now, err = p.compare(ctx, a, made); err != nil {
			return nil, err
		}
	}
	if err := p.manifests(ctx, a); err != nil {
		return nil, err
	}
	if now != nil {
		if err := p.remember(ctx, a, now); err != nil {
			return nil, err
		}
	}
	return &Pushed{
		Name: s.Name, Reference: at.Digest(a.Digest.String()), Tags: p.tags,
		BytesSent: p.to.Meter.Sent(), BytesTotal: a.Size, Layers: a.Count, Changed: a.changed,
	}, nil
}

// verifyAdopted asks for all blobs of an image that another builder has just pushed,
// which sends what a registry says that it lacks, and nothing else.
func (p *push) verifyAdopted(ctx context.Context, found *standing) error {
	whole, err := p.verify(ctx, found)
	if err == nil && whole == nil {
		if err = p.to.CheckMended(ctx); err == nil {
			err = fmt.Errorf("the registry has lost a part of %s, and tells the builder that it has it: delete the image there, and build it again", p.to.Name.Digest(found.Digest.String()))
		}
	}
	return err
}

// compare finds out what an image is made of, and by what it differs from the one that
// was pushed last.
func (p *push) compare(ctx context.Context, a *assembled, made func() (Ingredients, error)) (*Ingredients, error) {
	now, err := made()
	if err != nil {
		return nil, err
	}
	last, err := lastPushed(ctx, p.to, p.recipe)
	if err != nil {
		return nil, err
	}
	if last.made != nil {
		if a.changed = now.since(*last.made); len(a.changed) == 0 {
			a.changed = []string{"what its steps made of the same files"}
		}
	}
	return &now, nil
}

// adoptedIdentity hashes what an image is made of that another builder has built.
func adoptedIdentity(s Spec, built v1.Hash) (string, error) {
	text, err := json.Marshal(map[string]any{"version": kindVersion, "kind": "adopted", "built": built.String(), "annotations": annotate(s, nil)})
	return registry.DigestOf(text).Hex, err
}

// adopt annotates an image that is there, and attaches what is said of it, and of
// its images when it is an index.
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
			image, err := p.to.Look(limited, variant.Digest)
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
		platform = ordered(p.recipe.spec.Platforms)[0].String()
	}
	return a, p.attach(ctx, a, platform)
}

// annotated gives an image that is there with slipway's annotations beside its own.
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
		if child.Platform != nil && child.Platform.OS != "unknown" { // which the builder's own attestations have
			a.variants = append(a.variants, Variant{child.Platform.String(), child.Digest.String()})
		}
	}
	return a, nil
}
