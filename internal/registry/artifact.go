package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Artifact is a document that is attached to an image, such as an SBOM.
type Artifact struct {
	// Type is the media type of the document, such as application/spdx+json.
	Type     string
	Document []byte
	// Annotations are stored with the document. The registry returns them when a client
	// asks what refers to the image.
	Annotations map[string]string
}

const (
	// emptyType is the media type of an empty configuration, whose content is {}. See the
	// OCI image specification 1.1.
	emptyType = types.MediaType("application/vnd.oci.empty.v1+json")
	// subjectHeader is the response header by which a registry says that it maintains
	// referrers itself. See the OCI distribution specification 1.1.
	subjectHeader = "OCI-Subject"
)

// artifactManifest is an OCI image manifest with a subject.
type artifactManifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     types.MediaType `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        v1.Descriptor   `json:"config"`
	Layers        []v1.Descriptor `json:"layers"`
	Subject       *v1.Descriptor  `json:"subject"`

	Annotations map[string]string `json:"annotations,omitempty"`
}

// Attach uploads artifacts that refer to the subject, which need not exist yet. For a
// registry that does not support the referrers API, it adds them to an index that is tagged
// with the subject's digest.
func (r *Repository) Attach(ctx context.Context, subject v1.Descriptor, artifacts []Artifact) error {
	return r.Explain("attach the attestations of "+r.Name.String(), r.attach(ctx, subject, artifacts))
}

// attach is Attach without the explanation of errors.
func (r *Repository) attach(ctx context.Context, subject v1.Descriptor, artifacts []Artifact) error {
	empty := []byte("{}")
	config := v1.Descriptor{MediaType: emptyType, Digest: DigestOf(empty), Size: int64(len(empty))}
	group, limited := panics.WithContext(ctx)
	group.Go(func() error { return r.uploadSmall(limited, empty) })
	manifests := make([][]byte, len(artifacts))
	referrers := make([]referrer, len(artifacts))
	for n, a := range artifacts {
		layer := v1.Descriptor{MediaType: types.MediaType(a.Type), Digest: DigestOf(a.Document), Size: int64(len(a.Document))}
		text, err := json.Marshal(artifactManifest{2, types.OCIManifestSchema1, a.Type, config, []v1.Descriptor{layer}, &subject, a.Annotations})
		if err != nil {
			return err
		}
		manifests[n] = text
		referrers[n] = referrer{types.OCIManifestSchema1, DigestOf(text), int64(len(text)), a.Type, a.Annotations}
		group.Go(func() error { return r.uploadSmall(limited, a.Document) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	kept := true
	for _, text := range manifests {
		var knows bool
		err := r.client.retry(ctx, func() (err error) {
			r.Meter.sent.Add(int64(len(text)))
			knows, err = r.wire.putArtifact(ctx, text)
			return err
		})
		if err != nil {
			return explainAttach(err)
		}
		kept = kept && knows
	}
	if kept {
		return nil
	}
	return r.addReferrers(ctx, subject.Digest, referrers)
}

// uploadSmall uploads a small blob, unless the registry has it.
func (r *Repository) uploadSmall(ctx context.Context, text []byte) error {
	digest := DigestOf(text)
	return r.client.retry(ctx, func() error {
		to, err := r.wire.begin(ctx, digest, r.Name.RepositoryStr())
		if err != nil || to == nil {
			return err
		}
		r.Meter.sent.Add(int64(len(text)))
		return r.wire.finish(ctx, to, digest, bytes.NewReader(text), int64(len(text)))
	})
}

// putArtifact stores the manifest of an artifact under its digest, and reports whether the
// registry maintains referrers itself.
func (w *wire) putArtifact(ctx context.Context, text []byte) (bool, error) {
	header := http.Header{"Content-Type": {string(types.OCIManifestSchema1)}}
	response, err := w.do(ctx, http.MethodPut, w.url("manifests", DigestOf(text).String(), nil), header, bytes.NewReader(text), int64(len(text)), http.StatusCreated, http.StatusOK)
	if err != nil {
		return false, err
	}
	defer drain(response)
	if response.Header.Get(subjectHeader) != "" {
		return true, nil
	}
	// Some registries support the referrers API without sending the header.
	subject := struct {
		Subject v1.Descriptor `json:"subject"`
	}{}
	if err := json.Unmarshal(text, &subject); err != nil {
		return false, err
	}
	index, err := w.referrers(ctx, subject.Subject.Digest)
	if Status(err)/100 == 4 {
		return false, nil
	}
	return bytes.Contains(index, []byte(DigestOf(text).String())), err
}

// explainAttach adds to a refusal that the registry accepts images but not attestations.
func explainAttach(err error) error {
	code := Status(err)
	if hasErrorCode(err, transport.ManifestInvalidErrorCode, transport.UnsupportedErrorCode) || code == http.StatusUnsupportedMediaType {
		return fmt.Errorf("the registry does not accept OCI artifacts (SBOM and provenance); use --no-attestations: %w", err)
	}
	return err
}
