package image

import (
	"context"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

// remoteImage is an image in the registry, with what slipway's annotations say about it.
type remoteImage struct {
	*registry.Manifest
	inputs   string
	packages []Package
	base     *baseFacts
	// encoded are its ingredients, encoded, or "" if they are not known.
	encoded string
}

// readRemote returns the image with a tag, or nil if there is none that can be read.
func readRemote(ctx context.Context, at *registry.Repository, tag string) (*remoteImage, error) {
	m, err := at.ManifestIfReadable(ctx, tag)
	if m == nil {
		return nil, err
	}
	s := &remoteImage{Manifest: m, inputs: m.Annotations[annotationInputs], encoded: m.Annotations[annotationIngredients]}
	_ = json.Unmarshal([]byte(m.Annotations[annotationPackages]), &s.packages) // images of other kinds have no packages
	_ = json.Unmarshal([]byte(m.Annotations[annotationBase]), &s.base)         // images without a base have no facts
	return s, nil
}

// findByInputs returns the image of the recipe's inputs, or nil if the registry does not
// have it.
func findByInputs(ctx context.Context, at *registry.Repository, recipe *Recipe) (*remoteImage, error) {
	found, err := readRemote(ctx, at, inputsTag(recipe.Inputs))
	if found == nil || found.inputs != recipe.Inputs {
		return nil, err
	}
	return found, nil
}

// lastImage is what is known from the image that was pushed last: its layers by fingerprint,
// and all blobs that the repository must therefore have.
type lastImage struct {
	// encoded are its ingredients, encoded, or "" if they are not known.
	encoded string
	facts   map[string]facts
	blobs   map[v1.Hash]bool
	// requirements are the contents of the layers with requirements, by the key of the
	// requirements. They have no entries, so they cannot be packed again. packages are the
	// packages in them.
	requirements map[string][]*content
	packages     []Package
	// base is what the image records of its base, or nil.
	base *baseFacts
}

// lastPushed returns what is known from the image that was pushed last. The result is empty
// if there is none.
func lastPushed(ctx context.Context, at *registry.Repository, recipe *Recipe) (*lastImage, error) {
	p := &lastImage{facts: map[string]facts{}, blobs: map[v1.Hash]bool{}, requirements: map[string][]*content{}}
	last, err := readRemote(ctx, at, layersTag(recipe.spec.platform))
	if err != nil || last == nil {
		return p, err
	}
	p.encoded, p.packages, p.base = last.encoded, last.packages, last.base
	for _, l := range last.Layers {
		p.blobs[l.Digest] = true
		diffID, err := v1.NewHash(l.Annotations[annotationDiffID])
		fingerprint := l.Annotations[annotationFingerprint]
		if err != nil || fingerprint == "" {
			continue
		}
		p.facts[fingerprint] = facts{Digest: l.Digest, DiffID: diffID, Size: l.Size}
		if key := l.Annotations[annotationRequirements]; key != "" {
			p.requirements[key] = append(p.requirements[key], &content{description: l.Annotations[annotationContent], fingerprint: fingerprint, bytes: l.Size, requirements: key})
		}
	}
	return p, nil
}

// ingredients returns what the image is made of, or nil if that is not known.
func (p *lastImage) ingredients() *Ingredients { return decodeIngredients(p.encoded) }
