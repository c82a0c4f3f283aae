package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/sandbox/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox/registry"
	"github.com/slipway-ci/slipway/internal/sandbox/storage"
)

// platform holds the servers and connects them: Polyaxon pulls from the registry and mounts the
// cluster's secrets.
type platform struct {
	registry   http.Handler
	kubernetes *kubernetes.Server
	polyaxon   *polyaxon.Server
	storage    *storage.Server
}

func openPlatform(ctx context.Context, s *server) (*platform, error) {
	p := &platform{}
	var err error
	if p.registry, err = registry.New(filepath.Join(s.dir, "registry"), s.options.Log); err != nil {
		return nil, err
	}
	if p.kubernetes, err = kubernetes.New(filepath.Join(s.dir, "kubernetes"), Namespace); err != nil {
		return nil, err
	}
	if p.storage, err = storage.New(filepath.Join(s.dir, "storage"), s.options.Log); err != nil {
		return nil, err
	}
	runtime := container.New(container.Options{Dir: s.dir, Self: s.options.Self, Pull: s.pull})
	if ok, why := runtime.Isolation(ctx); !ok {
		s.state.Isolation = why
	}
	p.polyaxon, err = polyaxon.New(polyaxon.Options{
		Dir: s.dir, Cluster: p.kubernetes, Runtime: runtime, Namespace: Namespace,
		Host: s.state.Polyaxon, Token: s.state.Token, Log: s.options.Log, Owns: s.ownsDir, Public: public,
		Release: s.options.Release,
	})
	if err != nil {
		return nil, err
	}
	p.kubernetes.Attach(p.polyaxon.Workloads())
	return p, nil
}

// pull reads an image. A reference with any port of 127.0.0.1 is read from the sandbox's
// own registry, because the registry's port may have changed; others are read from their
// registry.
func (s *server) pull(ctx context.Context, reference string) (v1.Image, error) {
	parsed, err := name.ParseReference(reference, name.Insecure)
	if err != nil {
		return nil, err
	}
	os, architecture, _ := strings.Cut(s.state.Platform, "/")
	options := []remote.Option{remote.WithContext(ctx), remote.WithPlatform(v1.Platform{OS: os, Architecture: architecture})}
	if !strings.HasPrefix(parsed.Context().RegistryStr(), "127.0.0.1:") {
		if parsed, err = name.ParseReference(reference); err != nil {
			return nil, err
		}
		return remote.Image(parsed, append(options, remote.WithAuthFromKeychain(authn.DefaultKeychain))...)
	}
	own := strings.TrimPrefix(s.state.Registry, "http://") + strings.TrimPrefix(parsed.Name(), parsed.Context().RegistryStr())
	if parsed, err = name.ParseReference(own, name.Insecure); err != nil {
		return nil, fmt.Errorf("read %s from the sandbox's registry: %w", reference, err)
	}
	basic := &authn.Basic{Username: "slipway", Password: string(s.state.RegistryToken.Reveal())}
	image, err := verifiedImage(parsed, append(options, remote.WithAuth(basic))...)
	var answer *transport.Error
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return nil, &polyaxon.LostImageError{Reference: reference, Err: err}
	}
	return image, err
}

// public returns an error unless an anonymous client can read the image, or the image is
// on this machine.
func public(ctx context.Context, reference string) error {
	parsed, err := name.ParseReference(reference)
	if err != nil || strings.HasPrefix(parsed.Context().RegistryStr(), "127.0.0.1:") {
		return err
	}
	_, err = remote.Head(parsed, remote.WithContext(ctx), remote.WithAuth(authn.Anonymous))
	return err
}

// verifiedImage returns an image, and an error if the registry lacks one of its blobs.
func verifiedImage(reference name.Reference, options ...remote.Option) (v1.Image, error) {
	image, err := remote.Image(reference, options...)
	if err != nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	for _, blob := range append([]v1.Descriptor{manifest.Config}, manifest.Layers...) {
		layer, err := remote.Layer(reference.Context().Digest(blob.Digest.String()), options...)
		if err != nil {
			return nil, err
		}
		if _, err := layer.Size(); err != nil { // asks the registry
			return nil, fmt.Errorf("blob %s: %w", blob.Digest, err)
		}
	}
	return image, nil
}
