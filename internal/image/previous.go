package image

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// ownTagPrefix begins the tags that are for slipway only.
	ownTagPrefix = "slipway-"
	// layersTagPrefix begins those that layersTag gives.
	layersTagPrefix = ownTagPrefix + "layers-"
)

// layersTag gives the tag of the image that was pushed last for a platform: by its
// annotations a build anywhere finds the layers that did not change, and neither
// packs nor sends them. It moves with each push and is for nobody else to use.
func layersTag(platform v1.Platform) string {
	tag := layersTagPrefix + platform.OS + "-" + platform.Architecture
	if platform.Variant != "" {
		tag += "-" + platform.Variant
	}
	return tag
}

// standing is an image that stands in the registry.
type standing struct {
	text      []byte
	mediaType types.MediaType
	digest    v1.Hash
	size      int64
	config    v1.Descriptor
	layers    []v1.Descriptor
	// children are the images of an index.
	children []v1.Descriptor
	// count is how many layers there are; size and count are of all images of an
	// index, if it tells them.
	count    int
	inputs   string
	packages []Package
	base     *baseFacts
	// ingredients are what it is made of, where that is known.
	ingredients *Ingredients
}

// look gives the image of a tag, and nil when there is none.
func (r *Registry) look(ctx context.Context, w *wire, tag string) (*standing, error) {
	s := &standing{}
	err := r.retry(ctx, func() (err error) {
		s.text, s.digest, err = w.manifest(ctx, tag)
		return err
	})
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, r.explain("ask for "+w.repository.Tag(tag).String(), w.repository.RegistryStr(), err)
	}
	var manifest struct {
		v1.Manifest
		Manifests []v1.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(s.text, &manifest); err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", w.repository.Tag(tag), err)
	}
	s.mediaType, s.config, s.layers, s.inputs = manifest.MediaType, manifest.Config, manifest.Layers, manifest.Annotations[annotationInputs]
	s.children, s.count = manifest.Manifests, len(manifest.Layers)
	_ = json.Unmarshal([]byte(manifest.Annotations[annotationPackages]), &s.packages) // an image of another kind has none
	_ = json.Unmarshal([]byte(manifest.Annotations[annotationBase]), &s.base)         // one without a base has none
	s.ingredients = unpacked(manifest.Annotations[annotationIngredients])
	s.size = int64(len(s.text)) + manifest.Config.Size
	for _, l := range manifest.Layers {
		s.size += l.Size
	}
	for _, child := range s.children {
		size, layers := told(child)
		s.size, s.count = s.size+size, s.count+layers
	}
	return s, nil
}

// recall is look for what can be made again: a tag that is unreadable counts as none.
func (r *Registry) recall(ctx context.Context, w *wire, tag string) (*standing, error) {
	found, err := r.look(ctx, w, tag)
	if unreadable(err) {
		return nil, nil
	}
	return found, err
}

// find gives the image of the recipe's inputs, if the registry has it.
func (r *Registry) find(ctx context.Context, w *wire, recipe *Recipe) (*standing, error) {
	found, err := r.recall(ctx, w, inputsTag(recipe.Inputs))
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

func (r *Registry) previous(ctx context.Context, w *wire, recipe *Recipe) (*previous, error) {
	p := &previous{facts: map[string]facts{}, blobs: map[v1.Hash]bool{}, requirements: map[string][]*content{}}
	last, err := r.recall(ctx, w, layersTag(recipe.spec.platform))
	if err != nil || last == nil {
		return p, err
	}
	p.made, p.packages, p.base = last.ingredients, last.packages, last.base
	for _, l := range last.layers {
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

// Planned is what a push would find or make.
type Planned struct {
	Reference name.Digest
	// UpToDate tells that the registry has an image of these inputs.
	UpToDate bool
	// Size is what a pull moves, in bytes.
	Size   int64
	Layers int
	// Changed is as in Pushed.
	Changed []string
}

// Plan tells what Push would make of a recipe, and sends nothing: layers that are
// not known are packed to learn their digests.
func (r *Registry) Plan(ctx context.Context, recipe *Recipe) (*Planned, error) {
	repository, err := r.Reference(recipe.Name)
	if err != nil {
		return nil, err
	}
	w, err := r.dial(ctx, repository, pullScope)
	if err != nil {
		return nil, err
	}
	found, err := r.find(ctx, w, recipe)
	if err != nil {
		return nil, err
	}
	if found != nil {
		return &Planned{Reference: repository.Digest(found.digest.String()), UpToDate: true, Size: found.size, Layers: found.count}, nil
	}
	a, err := r.foresee(ctx, w, recipe)
	if err != nil {
		return nil, err
	}
	return &Planned{Reference: repository.Digest(a.digest.String()), Size: a.size, Layers: a.layers, Changed: a.changed}, nil
}

// foresee puts an image together without sending anything.
func (r *Registry) foresee(ctx context.Context, w *wire, recipe *Recipe) (*assembled, error) {
	if len(recipe.parts) > 0 {
		parts := make([]*assembled, len(recipe.parts))
		for n, part := range recipe.parts {
			var err error
			if parts[n], err = r.foresee(ctx, w, part); err != nil {
				return nil, err
			}
		}
		return assembleIndex(recipe, parts)
	}
	last, err := r.previous(ctx, w, recipe)
	if err != nil {
		return nil, err
	}
	parent, err := openBase(ctx, recipe.spec, r, recipe.base)
	if err != nil {
		return nil, err
	}
	room, files, err := recipe.rooms(parent)
	if err != nil {
		return nil, err
	}
	parent.recall(recipe.spec, last.base)
	below, err := recipe.requirements(ctx, parent, last, room, nil)
	if err != nil {
		return nil, err
	}
	above, err := lay(ctx, recipe.contents, parent, files)
	if err != nil {
		return nil, err
	}
	own, err := recipe.measure(ctx, append(below, above...), last)
	if err != nil {
		return nil, err
	}
	a, err := assemble(ctx, recipe, parent, own)
	if err != nil {
		return nil, err
	}
	if last.made != nil {
		a.changed = recipe.describe().since(*last.made)
	}
	return a, nil
}

// Tagged gives the image that a tag stands for, by its digest, and nil when there
// is none.
func (r *Registry) Tagged(ctx context.Context, image, tag string) (*name.Digest, error) {
	repository, err := r.Reference(image)
	if err != nil {
		return nil, err
	}
	w, err := r.dial(ctx, repository, pullScope)
	if err != nil {
		return nil, err
	}
	found, err := r.look(ctx, w, tag)
	if err != nil || found == nil {
		return nil, err
	}
	digest := repository.Digest(found.digest.String())
	return &digest, nil
}
