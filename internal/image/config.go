package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Annotations by which slipway recognizes what it has built.
const (
	// annotationInputs is the identity of what an image was made of.
	annotationInputs = "io.github.slipway-ci.inputs"
	// annotationFingerprint is the identity of the content of a layer, and annotationDiffID
	// the hash of its uncompressed bytes. With both, a layer can be reused on a machine
	// that does not have it.
	annotationFingerprint = "io.github.slipway-ci.fingerprint"
	annotationDiffID      = "io.github.slipway-ci.diff-id"
	// annotationContent is a short description of the content of a layer.
	annotationContent = "io.github.slipway-ci.content"
	// annotationRequirements, on a layer, is the key of the requirements that the layer
	// belongs to. annotationPackages, on an image, lists all its packages as JSON.
	annotationRequirements = "io.github.slipway-ci.requirements"
	annotationPackages     = "io.github.slipway-ci.packages"
	// annotationBase is what an image records of its base, as JSON.
	annotationBase = "io.github.slipway-ci.base"
)

// builtLayer is one layer of an image, as it is in the registry.
type builtLayer struct {
	facts
	content *content
}

// assembled is an image without the bytes of its layers: the manifest that will be sent to
// the registry, and the other documents of the image.
type assembled struct {
	registry.Manifest
	config []byte
	// variants are the images of an index.
	variants []Variant
	// changed are the differences from the image that was pushed last.
	changed []string
}

// assemble puts layers on a base. All media types in the image are OCI's, even if the base
// has others.
func assemble(ctx context.Context, r *Recipe, parent *base, own []builtLayer) (*assembled, error) {
	config := configure(r.spec, parent.config)
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config:      v1.Descriptor{MediaType: types.OCIConfigJSON},
		Layers:      slices.Clone(parent.layers),
		Annotations: annotate(r.spec, r.base),
	}
	manifest.Annotations[annotationInputs] = r.Inputs
	config.RootFS = v1.RootFS{Type: "layers", DiffIDs: slices.Clone(parent.config.RootFS.DiffIDs)}
	if len(r.packages) > 0 {
		packages, err := json.Marshal(r.packages)
		if err != nil {
			return nil, fmt.Errorf("assemble the manifest of image %s: %w", r.Name, err)
		}
		manifest.Annotations[annotationPackages] = string(packages)
	}
	known, err := parent.facts(ctx, r)
	if err != nil {
		return nil, err
	}
	if known != nil {
		text, err := json.Marshal(known)
		if err != nil {
			return nil, fmt.Errorf("assemble the manifest of image %s: %w", r.Name, err)
		}
		manifest.Annotations[annotationBase] = string(text)
	}
	for _, l := range own {
		annotations := map[string]string{annotationFingerprint: l.content.fingerprint, annotationDiffID: l.DiffID.String(), annotationContent: l.content.description}
		if l.content.requirements != "" {
			annotations[annotationRequirements] = l.content.requirements
		}
		manifest.Layers = append(manifest.Layers, v1.Descriptor{MediaType: types.OCILayer, Size: l.Size, Digest: l.Digest, Annotations: annotations})
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.DiffID)
		config.History = append(config.History, v1.History{Created: config.Created, CreatedBy: "slipway", Comment: l.content.description})
	}
	a := &assembled{}
	if a.config, err = json.Marshal(config); err != nil {
		return nil, fmt.Errorf("assemble the configuration of image %s: %w", r.Name, err)
	}
	manifest.Config.Size, manifest.Config.Digest = int64(len(a.config)), registry.DigestOf(a.config)
	text, err := json.Marshal(manifest)
	if err != nil {
		return nil, fmt.Errorf("assemble the manifest of image %s: %w", r.Name, err)
	}
	a.Manifest = registry.Manifest{
		Text: text, MediaType: manifest.MediaType, Digest: registry.DigestOf(text), Config: manifest.Config, Layers: manifest.Layers,
		Size: int64(len(text) + len(a.config)), Count: len(manifest.Layers),
	}
	for _, l := range manifest.Layers {
		a.Size += l.Size
	}
	return a, nil
}

// configure applies the spec's settings to the base's configuration.
func configure(s Spec, from *v1.ConfigFile) *v1.ConfigFile {
	config := from.DeepCopy()
	config.OS, config.Architecture, config.Variant = s.platform.OS, s.platform.Architecture, s.platform.Variant
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()} // the time is not an input
	config.Config.WorkingDir = s.Workdir
	if s.User != "" {
		config.Config.User = s.User
	}
	if len(s.Entrypoint) > 0 { // the base's command belongs to the base's entry point
		config.Config.Entrypoint, config.Config.Cmd = s.Entrypoint, nil
	}
	if len(s.Command) > 0 {
		config.Config.Cmd = s.Command
	}
	config.Config.Env = environment(config.Config.Env, s.variables(config.Config.Env))
	return config
}

// annotate returns the OCI annotations of the manifest, which are part of an image's
// identity.
func annotate(s Spec, base *foundBase) map[string]string {
	annotations := map[string]string{ocispec.AnnotationTitle: path.Base(s.Name)}
	if s.Source != "" {
		annotations[ocispec.AnnotationSource] = s.Source
	}
	if base != nil && base.packages == nil {
		if name := base.name(s); name != "" {
			annotations[ocispec.AnnotationBaseImageName] = name
		}
		annotations[ocispec.AnnotationBaseImageDigest] = base.digest.String()
	}
	return annotations
}

// identity returns the hash of everything that an image is made of.
func identity(s Spec, base *foundBase, contents []string) (string, error) {
	text, err := json.Marshal(map[string]any{
		"version": kindVersion, "kind": s.Kind, "platform": s.platform.String(), "annotations": annotate(s, base), "contents": contents,
		"workdir": s.Workdir, "user": s.User, "env": environment(nil, s.Env), "entrypoint": s.Entrypoint, "command": s.Command,
	})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// environment replaces variables of the base, and adds others, in a fixed order.
func environment(base []string, over map[string]string) []string {
	result := []string{}
	for _, variable := range base {
		name, _, _ := strings.Cut(variable, "=")
		if _, replaced := over[name]; !replaced {
			result = append(result, variable)
		}
	}
	names := make([]string, 0, len(over))
	for name := range over {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		result = append(result, name+"="+over[name])
	}
	return result
}
