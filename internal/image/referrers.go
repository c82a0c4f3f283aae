package image

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// referrersTag is under what a registry that keeps no referrers has them.
func referrersTag(subject v1.Hash) string { return strings.Replace(subject.String(), ":", "-", 1) }

// attestedTime gives the time of the commit that an image was made of at first, by
// the documents that are attached to it; the zero time when none tells it.
func (r *Registry) attestedTime(ctx context.Context, w *wire, subject v1.Hash) (time.Time, error) {
	var index []byte
	err := r.retry(ctx, func() (err error) {
		if index, err = w.referrers(ctx, subject); status(err)/100 == 4 && !passing(err) {
			index, _, err = w.manifest(ctx, referrersTag(subject))
		}
		return err
	})
	if status(err) == http.StatusNotFound || unreadable(err) {
		return time.Time{}, nil
	}
	var listed struct {
		Manifests []referrer `json:"manifests"`
	}
	if err != nil || json.Unmarshal(index, &listed) != nil || len(listed.Manifests) == 0 {
		return time.Time{}, err
	}
	annotations := listed.Manifests[0].Annotations
	if annotations == nil { // some leave them out
		var text []byte
		err := r.retry(ctx, func() (err error) {
			text, _, err = w.manifest(ctx, listed.Manifests[0].Digest.String())
			return err
		})
		var document artifact
		if err != nil || json.Unmarshal(text, &document) != nil {
			return time.Time{}, err
		}
		annotations = document.Annotations
	}
	at, err := time.Parse(time.RFC3339, annotations[ocispec.AnnotationCreated])
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // one that does not tell
	}
	return at.UTC(), nil
}

// referrers gives the index of what refers to an image, from a registry that keeps it.
func (w *wire) referrers(ctx context.Context, subject v1.Hash) ([]byte, error) {
	response, err := w.do(ctx, http.MethodGet, w.url("referrers", subject.String(), nil), nil, nil, 0, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer done(response)
	return io.ReadAll(io.LimitReader(response.Body, maxManifest))
}
