package image

import (
	"context"
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

// standing is an image that stands in the registry, with what slipway's annotations tell.
type standing struct {
	*registry.Manifest
	inputs   string
	packages []Package
	base     *baseFacts
	// ingredients are what it is made of, where that is known.
	ingredients *Ingredients
}

// recall gives the image of a tag, and nil when there is none that can be read.
func recall(ctx context.Context, at *registry.Repository, tag string) (*standing, error) {
	m, err := at.Recall(ctx, tag)
	if m == nil {
		return nil, err
	}
	s := &standing{Manifest: m, inputs: m.Annotations[annotationInputs], ingredients: unpacked(m.Annotations[annotationIngredients])}
	_ = json.Unmarshal([]byte(m.Annotations[annotationPackages]), &s.packages) // an image of another kind has none
	_ = json.Unmarshal([]byte(m.Annotations[annotationBase]), &s.base)         // one without a base has none
	return s, nil
}

// find gives the image of the recipe's inputs, if the registry has it.
func find(ctx context.Context, at *registry.Repository, recipe *Recipe) (*standing, error) {
	found, err := recall(ctx, at, inputsTag(recipe.Inputs))
	if found == nil || found.inputs != recipe.Inputs {
		return nil, err
	}
	return found, nil
}

// previous is what the image that was pushed last tells: layers by fingerprint,
// and all blobs that the repository has because of it.
type previous struct {
	// made is what it is made of; nil where that is not known.
	made  *Ingredients
	facts map[string]facts
	blobs map[v1.Hash]bool
	// requirements are the contents of layers, by the key of their requirements;
	// they cannot be packed again. packages are what is in them.
	requirements map[string][]*content
	packages     []Package
	// base is what it keeps of its base; nil for nothing.
	base *baseFacts
}

// lastPushed gives what the image that was pushed last tells; nothing when there is none.
func lastPushed(ctx context.Context, at *registry.Repository, recipe *Recipe) (*previous, error) {
	p := &previous{facts: map[string]facts{}, blobs: map[v1.Hash]bool{}, requirements: map[string][]*content{}}
	last, err := recall(ctx, at, layersTag(recipe.spec.platform))
	if err != nil || last == nil {
		return p, err
	}
	p.made, p.packages, p.base = last.ingredients, last.packages, last.base
	for _, l := range last.Layers {
		p.blobs[l.Digest] = true
		diffID, err := v1.NewHash(l.Annotations[annotationDiffID])
		fingerprint := l.Annotations[annotationFingerprint]
		if err != nil || fingerprint == "" {
			continue
		}
		p.facts[fingerprint] = facts{Digest: l.Digest, DiffID: diffID, Size: l.Size}
		if key := l.Annotations[annotationRequirements]; key != "" {
			p.requirements[key] = append(p.requirements[key], &content{what: l.Annotations[annotationContent], fingerprint: fingerprint, bytes: l.Size, requirements: key})
		}
	}
	return p, nil
}
