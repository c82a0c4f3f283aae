package image

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Attestation is a document about an image, which is attached to it.
type Attestation struct {
	// Type is its media type, such as application/spdx+json.
	Type     string
	Document []byte
	// Annotations are the document's; who asks what refers to an image is told them.
	Annotations map[string]string
}

// Attester says what is to be attached to an image that is about to be pushed. It is
// called for several images of an index at the same time.
type Attester func(Subject) ([]Attestation, error)

// Subject is what is known of an image before its manifest is sent.
type Subject struct {
	Repository, Digest, Inputs string
	// Platform is the image's; empty for an index, which has Variants.
	Platform string
	// Variants are the images of an index.
	Variants []Variant
	// Base is the base's reference by digest; empty for none.
	Base string
	// Packages are Python's, Modules those that a Go program was linked of.
	Packages, Modules []Package
}

// Variant is the image of one platform of an index.
type Variant struct{ Platform, Digest string }

// attach sends what the attester says of the image of a platform, or of an index,
// which has none. It happens before the manifest is sent: an image that has its
// tags has its attestations.
func (p *push) attach(ctx context.Context, a *assembled, platform string) error {
	if p.attest == nil {
		return nil
	}
	s := Subject{Repository: p.wire.repository.String(), Digest: a.digest.String(), Inputs: p.recipe.Inputs, Packages: p.recipe.packages, Platform: platform, Variants: a.variants}
	if p.recipe.base != nil {
		s.Base = p.recipe.base.String()
	}
	for _, c := range p.recipe.contents {
		if c.what == programContent {
			s.Modules = modules(filepath.Join(c.dir, c.entries[0].file))
		}
	}
	attestations, err := p.attest(s)
	if err != nil {
		return fmt.Errorf("attest image %s: %w", p.recipe.Name, err)
	}
	subject := v1.Descriptor{MediaType: a.mediaType, Digest: a.digest, Size: int64(len(a.manifest))}
	err = p.registry.attach(ctx, p.wire, subject, attestations, p.meter)
	return p.registry.explain("attach the attestations of "+p.wire.repository.String(), p.wire.repository.RegistryStr(), err)
}

// modules gives what a Go program says that it was linked of; none when it does not
// say.
func modules(program string) []Package {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil
	}
	var all []Package
	if info.Main.Path != "" {
		version := info.Main.Version
		if version == "(devel)" {
			version = "" // of a tree that is no release
		}
		all = append(all, Package{Name: info.Main.Path, Version: version})
	}
	all = append(all, Package{Name: "stdlib", Version: strings.TrimPrefix(info.GoVersion, "go")})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, Package{Name: m.Path, Version: m.Version})
	}
	return all
}

const (
	// emptyType is that of a configuration that has nothing, which is {}: OCI image
	// specification 1.1.
	emptyType = types.MediaType("application/vnd.oci.empty.v1+json")
	// subjectHeader is by which a registry tells that it keeps referrers itself: OCI
	// distribution specification 1.1.
	subjectHeader = "OCI-Subject"
)

// artifact is a manifest with a subject.
type artifact struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
	Subject       *v1.Descriptor  `json:"subject"`

	Annotations map[string]string `json:"annotations,omitempty"`
}

// attach sends attestations as artifacts that refer to the subject. A registry that
// does not keep referrers gets them in an index under the subject's digest as a tag.
func (r *Registry) attach(ctx context.Context, w *wire, subject v1.Descriptor, attestations []Attestation, m *meter) error {
	empty := []byte("{}")
	config := v1.Descriptor{MediaType: emptyType, Digest: hashOf(empty), Size: int64(len(empty))}
	group, limited := panics.WithContext(ctx)
	group.Go(func() error { return r.document(limited, w, empty, m) })
	manifests := make([][]byte, len(attestations))
	referrers := make([]referrer, len(attestations))
	for n, a := range attestations {
		layer := v1.Descriptor{MediaType: types.MediaType(a.Type), Digest: hashOf(a.Document), Size: int64(len(a.Document))}
		text, err := json.Marshal(artifact{2, types.OCIManifestSchema1, a.Type, config, []v1.Descriptor{layer}, &subject, a.Annotations})
		if err != nil {
			return err
		}
		manifests[n] = text
		referrers[n] = referrer{types.OCIManifestSchema1, hashOf(text), int64(len(text)), a.Type, a.Annotations}
		group.Go(func() error { return r.document(limited, w, a.Document, m) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	kept := true
	for _, text := range manifests {
		var knows bool
		err := r.retry(ctx, func() (err error) {
			m.sent.Add(int64(len(text)))
			knows, err = w.putArtifact(ctx, text)
			return err
		})
		if err != nil {
			return unattached(err)
		}
		kept = kept && knows
	}
	if kept {
		return nil
	}
	return r.list(ctx, w, subject.Digest, referrers, m)
}

// document sends a small blob.
func (r *Registry) document(ctx context.Context, w *wire, text []byte, m *meter) error {
	digest := hashOf(text)
	return r.retry(ctx, func() error {
		to, err := w.begin(ctx, digest, w.repository.RepositoryStr())
		if err != nil || to == nil {
			return err
		}
		m.sent.Add(int64(len(text)))
		return w.finish(ctx, to, digest, bytes.NewReader(text), int64(len(text)))
	})
}

// putArtifact stores the manifest of an artifact under its digest, and tells
// whether the registry keeps what refers to what.
func (w *wire) putArtifact(ctx context.Context, text []byte) (bool, error) {
	header := http.Header{"Content-Type": {string(types.OCIManifestSchema1)}}
	response, err := w.do(ctx, http.MethodPut, w.url("manifests", hashOf(text).String(), nil), header, bytes.NewReader(text), int64(len(text)), http.StatusCreated, http.StatusOK)
	if err != nil {
		return false, err
	}
	defer done(response)
	if response.Header.Get(subjectHeader) != "" {
		return true, nil
	}
	// Some keep them and do not say so.
	subject := struct {
		Subject v1.Descriptor `json:"subject"`
	}{}
	if err := json.Unmarshal(text, &subject); err != nil {
		return false, err
	}
	index, err := w.referrers(ctx, subject.Subject.Digest)
	if status(err)/100 == 4 {
		return false, nil
	}
	return bytes.Contains(index, []byte(hashOf(text).String())), err
}

// referrer is an entry of the index of referrers.
type referrer struct {
	MediaType    types.MediaType `json:"mediaType"`
	Digest       v1.Hash         `json:"digest"`
	Size         int64           `json:"size"`
	ArtifactType string          `json:"artifactType,omitempty"`

	Annotations map[string]string `json:"annotations,omitempty"`
}

// list adds referrers to the index that stands in for the registry's own.
func (r *Registry) list(ctx context.Context, w *wire, subject v1.Hash, referrers []referrer, m *meter) error {
	tag := referrersTag(subject)
	index := struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Manifests     []referrer      `json:"manifests"`
	}{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	var old []byte
	err := r.retry(ctx, func() (err error) {
		old, _, err = w.manifest(ctx, tag)
		return err
	})
	switch {
	case err == nil:
		if err := json.Unmarshal(old, &index); err != nil {
			return fmt.Errorf("read the index of referrers %s: %w", tag, err)
		}
	case status(err) != http.StatusNotFound && !unreadable(err):
		return err
	}
	before := len(index.Manifests)
	for _, one := range referrers {
		if !slices.ContainsFunc(index.Manifests, func(had referrer) bool { return had.Digest == one.Digest }) {
			index.Manifests = append(index.Manifests, one)
		}
	}
	if len(index.Manifests) == before {
		return nil
	}
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	err = r.retry(ctx, func() error {
		m.sent.Add(int64(len(text)))
		return w.putManifest(ctx, tag, types.OCIImageIndex, text)
	})
	if status(err)/100 == 4 {
		return errors.Join(err, errors.New("the registry keeps no referrers, and refuses the tag that stands in for them: --no-attestations leaves them out"))
	}
	return err
}
