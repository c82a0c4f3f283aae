package image

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// assemble puts layers on a base. Everything in the image is of OCI's media
// types, whatever the base's are.
func assemble(s Spec, parent base, layers []*layer) (*Image, error) {
	failed := func(err error) (*Image, error) { return nil, fmt.Errorf("assemble the image: %w", err) }
	config := configure(s, parent.config)
	addenda, err := parent.layers()
	if err != nil {
		return failed(err)
	}
	var fingerprints []string
	for _, l := range layers {
		addenda = append(addenda, mutate.Addendum{Layer: l})
		config.History = append(config.History, v1.History{Created: config.Created, CreatedBy: "slipway", Comment: l.what})
		fingerprints = append(fingerprints, l.fingerprint)
	}
	result, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), addenda...)
	if err != nil {
		return failed(err)
	}
	stacked, err := result.ConfigFile()
	if err != nil {
		return failed(err)
	}
	config.RootFS = stacked.RootFS
	if result, err = mutate.ConfigFile(result, config); err != nil {
		return failed(err)
	}
	annotations := annotate(s)
	if len(annotations) > 0 {
		result = mutate.Annotations(result, annotations).(v1.Image)
	}
	made := &Image{Name: s.Name, V1: result}
	if made.Inputs, err = identity(s, config, annotations, parent.digest, fingerprints); err != nil {
		return failed(err)
	}
	if err := made.measure(); err != nil {
		return failed(err)
	}
	return made, nil
}

// configure lays the spec's settings over the base's configuration.
func configure(s Spec, from *v1.ConfigFile) *v1.ConfigFile {
	config := from.DeepCopy()
	config.OS, config.Architecture, config.Variant = s.Platform.OS, s.Platform.Architecture, s.Platform.Variant
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	if !s.Created.IsZero() {
		config.Created = v1.Time{Time: s.Created.UTC().Truncate(time.Second)}
	}
	config.Config.WorkingDir = s.Workdir
	if s.User != "" {
		config.Config.User = s.User
	}
	if len(s.Entrypoint) > 0 { // the base's command was meant for the base's entry point
		config.Config.Entrypoint, config.Config.Cmd = s.Entrypoint, nil
	}
	if len(s.Command) > 0 {
		config.Config.Cmd = s.Command
	}
	config.Config.Env = environment(config.Config.Env, s.Env)
	return config
}

// annotate gives the OCI annotations of the manifest.
func annotate(s Spec) map[string]string {
	annotations := map[string]string{}
	if s.Source != "" {
		annotations[ocispec.AnnotationSource] = s.Source
	}
	if s.Revision != "" {
		annotations[ocispec.AnnotationRevision] = s.Revision
	}
	if !s.Created.IsZero() {
		annotations[ocispec.AnnotationCreated] = s.Created.UTC().Format(time.RFC3339)
	}
	return annotations
}

// measure notes digest, size and layers.
func (i *Image) measure() error {
	manifest, err := i.V1.Manifest()
	if err != nil {
		return err
	}
	if i.Digest, err = i.V1.Digest(); err != nil {
		return err
	}
	if i.Size, err = i.V1.Size(); err != nil { // the manifest's
		return err
	}
	i.Size += manifest.Config.Size
	for _, l := range manifest.Layers {
		i.Size += l.Size
	}
	i.Layers = len(manifest.Layers)
	return nil
}

// identity hashes all that an image is made of.
func identity(s Spec, config *v1.ConfigFile, annotations map[string]string, base string, layers []string) (string, error) {
	text, err := json.Marshal(map[string]any{
		"version": kindVersion, "kind": s.Kind, "platform": s.Platform.String(), "base": base, "layers": layers,
		"config": config.Config, "created": config.Created, "annotations": annotations,
	})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// environment lays variables over those of the base, in a fixed order.
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
