package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/slipway-ci/slipway/internal/bounded"
)

// referrer is an entry in an index of referrers.
type referrer struct {
	MediaType    types.MediaType `json:"mediaType"`
	Digest       v1.Hash         `json:"digest"`
	Size         int64           `json:"size"`
	ArtifactType string          `json:"artifactType,omitempty"`

	Annotations map[string]string `json:"annotations,omitempty"`
}

// referrersTag returns the tag for the index of referrers in a registry that does not
// support the referrers API. See the OCI distribution specification 1.1.
func referrersTag(subject v1.Hash) string { return strings.Replace(subject.String(), ":", "-", 1) }

// addReferrers adds entries to the tagged index that replaces the referrers API.
func (r *Repository) addReferrers(ctx context.Context, subject v1.Hash, referrers []referrer) error {
	tag := referrersTag(subject)
	index := struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Manifests     []referrer      `json:"manifests"`
	}{SchemaVersion: 2, MediaType: types.OCIImageIndex}
	var old []byte
	err := r.client.retry(ctx, func() (err error) {
		old, _, err = r.wire.manifest(ctx, tag)
		return err
	})
	switch {
	case err == nil:
		if err := json.Unmarshal(old, &index); err != nil {
			return fmt.Errorf("read the index of referrers %s: %w", tag, err)
		}
	case Status(err) != http.StatusNotFound && !isUnreadable(err):
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
	err = r.client.retry(ctx, func() error {
		r.Meter.sent.Add(int64(len(text)))
		return r.wire.putManifest(ctx, tag, types.OCIImageIndex, text)
	})
	if Status(err)/100 == 4 {
		return errors.Join(err, errors.New("the registry supports neither the referrers API nor the referrers tag; use --no-attestations"))
	}
	return err
}

// attestedTime returns the time of the commit that an image was first built from, according
// to the documents attached to it. It returns the zero time if none states it.
func (r *Repository) attestedTime(ctx context.Context, subject v1.Hash) (time.Time, error) {
	var index []byte
	err := r.client.retry(ctx, func() (err error) {
		if index, err = r.wire.referrers(ctx, subject); Status(err)/100 == 4 && !isTemporary(err) {
			index, _, err = r.wire.manifest(ctx, referrersTag(subject))
		}
		return err
	})
	if Status(err) == http.StatusNotFound || isUnreadable(err) {
		return time.Time{}, nil
	}
	var listed struct {
		Manifests []referrer `json:"manifests"`
	}
	if err != nil || json.Unmarshal(index, &listed) != nil || len(listed.Manifests) == 0 {
		return time.Time{}, err
	}
	annotations := listed.Manifests[0].Annotations
	if annotations == nil { // some registries leave them out
		var text []byte
		err := r.client.retry(ctx, func() (err error) {
			text, _, err = r.wire.manifest(ctx, listed.Manifests[0].Digest.String())
			return err
		})
		var document artifactManifest
		if err != nil || json.Unmarshal(text, &document) != nil {
			return time.Time{}, err
		}
		annotations = document.Annotations
	}
	at, err := time.Parse(time.RFC3339, annotations[ocispec.AnnotationCreated])
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // the document does not state a time
	}
	return at.UTC(), nil
}

// referrers returns the index of what refers to an image. It fails if the registry does not
// support the referrers API.
func (w *wire) referrers(ctx context.Context, subject v1.Hash) ([]byte, error) {
	response, err := w.do(ctx, http.MethodGet, w.url("referrers", subject.String(), nil), nil, nil, 0, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer drain(response)
	return bounded.ReadAll(response.Body, maxManifest)
}
