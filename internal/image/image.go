// Package image makes OCI images of a source tree and pushes them to a registry,
// without a container engine. An image is a function of its inputs: the same
// tree gives the same digest on any machine, and what a registry has already is
// not sent again.
package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/source"
)

// kindVersion changes when the same inputs are made into other bytes.
const kindVersion = "1"

// defaultWorkdir is where files go, and where the image's program starts.
const defaultWorkdir = "/app"

// Spec says what an image is made of.
type Spec struct {
	Name string
	// Dir is the root of the source tree.
	Dir string
	// Kind is "go" or "files".
	Kind string
	// Main is the Go package to build, for kind go.
	Main string
	// Base is a reference; "" or "scratch" for none.
	Base string
	// Files are files and directories below Dir that go below Workdir.
	Files               []string
	Workdir, User       string
	Env                 map[string]string
	Entrypoint, Command []string
	Platform            v1.Platform
	// At is where the configuration asks for the image.
	At source.Position
	// Environ is the environment that the Go compiler gets.
	Environ []string
}

// Image is an image that has been built and not sent.
type Image struct {
	Name   string
	V1     v1.Image
	Digest v1.Hash
	// Inputs is the identity of what it was made of, in hexadecimal.
	Inputs string
	// Size is that of all layers, compressed, in bytes.
	Size   int64
	Layers int
}

// InputsTag gives the tag under which an image with these inputs stands.
func InputsTag(inputs string) string { return "inputs-" + inputs[:12] }

// Build makes an image. It reads the base's manifest from its registry, with r's
// credentials, and sends nothing. What is wrong with the tree or the base is a
// *source.Error; a program that does not compile is a *CompileError.
func Build(ctx context.Context, s Spec, r *Registry) (*Image, error) {
	if s.Workdir == "" {
		s.Workdir = defaultWorkdir
	}
	if !path.IsAbs(s.Workdir) {
		return nil, &source.Error{Position: s.At, Message: fmt.Sprintf("the workdir %s of image %s is no absolute path", s.Workdir, s.Name)}
	}
	base, baseDigest, err := openBase(ctx, s, r)
	if err != nil {
		return nil, err
	}
	cache := newCache(s.Dir)
	var layers []v1.Layer
	var fingerprints []string
	add := func(entries []entry, comment string) error {
		layer, fingerprint, err := cache.layer(ctx, entries, comment)
		if err != nil {
			return err
		}
		layers, fingerprints = append(layers, layer), append(fingerprints, fingerprint)
		return nil
	}
	if len(s.Files) > 0 {
		entries, err := collect(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, bucket := range buckets(entries) {
			if err := add(bucket, "files"); err != nil {
				return nil, err
			}
		}
	}
	if s.Kind == "go" {
		binary, err := compile(ctx, s)
		if err != nil {
			return nil, err
		}
		if err := add([]entry{{name: path.Join(s.Workdir, binary.name), source: binary.path, mode: 0o755}}, "program"); err != nil {
			return nil, err
		}
		if len(s.Entrypoint) == 0 {
			s.Entrypoint = []string{path.Join(s.Workdir, binary.name)}
		}
	}
	return assemble(s, base, baseDigest, layers, fingerprints)
}

// assemble puts layers on a base.
func assemble(s Spec, base v1.Image, baseDigest string, layers []v1.Layer, fingerprints []string) (*Image, error) {
	config, err := base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("read the base of image %s: %w", s.Name, err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = s.Platform.OS, s.Platform.Architecture, s.Platform.Variant
	config.Created = v1.Time{Time: time.Unix(0, 0).UTC()}
	config.Config.WorkingDir = s.Workdir
	if s.User != "" {
		config.Config.User = s.User
	}
	if len(s.Entrypoint) > 0 {
		config.Config.Entrypoint, config.Config.Cmd = s.Entrypoint, nil
	}
	if len(s.Command) > 0 {
		config.Config.Cmd = s.Command
	}
	config.Config.Env = environment(config.Config.Env, s.Env)

	result, err := mutate.ConfigFile(mutate.MediaType(mutate.ConfigMediaType(base, types.OCIConfigJSON), types.OCIManifestSchema1), config)
	if err != nil {
		return nil, fmt.Errorf("assemble image %s: %w", s.Name, err)
	}
	for _, layer := range layers {
		result, err = mutate.Append(result, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{CreatedBy: "slipway", Created: config.Created}})
		if err != nil {
			return nil, fmt.Errorf("assemble image %s: %w", s.Name, err)
		}
	}
	image := &Image{Name: s.Name, V1: result}
	if image.Digest, err = result.Digest(); err != nil {
		return nil, fmt.Errorf("assemble image %s: %w", s.Name, err)
	}
	manifest, err := result.Manifest()
	if err != nil {
		return nil, fmt.Errorf("assemble image %s: %w", s.Name, err)
	}
	image.Layers = len(manifest.Layers)
	for _, layer := range manifest.Layers {
		image.Size += layer.Size
	}
	if image.Inputs, err = identity(config.Config, s.Platform, baseDigest, fingerprints); err != nil {
		return nil, fmt.Errorf("assemble image %s: %w", s.Name, err)
	}
	return image, nil
}

// identity hashes what an image is made of.
func identity(config v1.Config, platform v1.Platform, base string, fingerprints []string) (string, error) {
	text, err := json.Marshal(map[string]any{"kind": kindVersion, "config": config, "platform": platform.String(), "base": base, "layers": fingerprints})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// environment lays variables over those of the base, in a fixed order.
func environment(base []string, over map[string]string) []string {
	names := make([]string, 0, len(over))
	for n := range over {
		names = append(names, n)
	}
	sort.Strings(names)
	result := []string{}
	for _, variable := range base {
		if n, _, _ := cut(variable); !has(over, n) {
			result = append(result, variable)
		}
	}
	for _, n := range names {
		result = append(result, n+"="+over[n])
	}
	return result
}

func has(m map[string]string, key string) bool { _, ok := m[key]; return ok }

func cut(variable string) (string, string, bool) {
	for i := range len(variable) {
		if variable[i] == '=' {
			return variable[:i], variable[i+1:], true
		}
	}
	return variable, "", false
}

// openBase gives the base image for the platform, and its digest.
func openBase(ctx context.Context, s Spec, r *Registry) (v1.Image, string, error) {
	if s.Base == "" || s.Base == "scratch" {
		return mutate.MediaType(empty.Image, types.OCIManifestSchema1), "scratch", nil
	}
	reference, err := name.ParseReference(s.Base, r.NameOptions...)
	if err != nil {
		return nil, "", &source.Error{Position: s.At, Message: fmt.Sprintf("the base %s of image %s is no reference", s.Base, s.Name), Err: err}
	}
	base, err := remote.Image(reference, r.options(ctx, remote.WithPlatform(s.Platform))...)
	if err != nil {
		var refused *transport.Error
		if errors.As(err, &refused) && refused.StatusCode/100 == 4 && refused.StatusCode != 429 {
			return nil, "", &source.Error{Position: s.At, Message: fmt.Sprintf("the base %s of image %s cannot be had: %v", s.Base, s.Name, err), Err: err,
				Hint: "check its name and tag, and that you may read it"}
		}
		return nil, "", fmt.Errorf("read the base %s: %w", s.Base, err)
	}
	digest, err := base.Digest()
	if err != nil {
		return nil, "", fmt.Errorf("read the base %s: %w", s.Base, err)
	}
	return base, digest.String(), nil
}
