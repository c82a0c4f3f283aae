package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Retagged is an image that has a second tag.
type Retagged struct {
	Name string
	// Reference names the image by its digest, Tag by the new tag.
	Reference name.Digest
	Tag       name.Tag
	// UpToDate tells that the tag stood for the image already.
	UpToDate bool
}

// MissingError says which images do not have a tag.
type MissingError struct {
	Tag   string
	Names []string
}

// Error names the tag and the images.
func (e *MissingError) Error() string {
	return fmt.Sprintf("the registry has no image %s with the tag %s: build that commit first, or name another one", strings.Join(e.Names, ", "), e.Tag)
}

// TakenError says that a tag stands for another image.
type TakenError struct{ Tag name.Tag }

// Error names the tag.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s stands for another image already; --force moves it", e.Tag)
}

// Retag gives the images of these names that have the tag from, also the tag to:
// manifests are written again, and nothing is built or moved. All are looked at
// before the first is written, so that a *MissingError or a *TakenError changes
// nothing; with force a tag that stands for another image is moved.
func (r *Registry) Retag(ctx context.Context, names []string, from, to string, force bool) ([]Retagged, error) {
	for _, tag := range []string{from, to} {
		if !validTag(tag) {
			return nil, fmt.Errorf("%q cannot be a tag: it may have letters, digits, _, . and -, no . or - in front, and %d characters", tag, maxTag)
		}
	}
	wires, found, moves := make([]*wire, len(names)), make([]*standing, len(names)), make([]bool, len(names))
	taken := make([]error, len(names))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(uploads)
	for n, image := range names {
		group.Go(func() error {
			repository, err := r.Reference(image)
			if err != nil {
				return err
			}
			if wires[n], err = r.dial(limited, repository, pushScope); err != nil {
				return err
			}
			if found[n], err = r.look(limited, wires[n], from); err != nil || found[n] == nil {
				return err
			}
			old, err := r.look(limited, wires[n], to)
			moves[n] = old == nil || old.digest != found[n].digest
			if old != nil && moves[n] && !force {
				taken[n] = &TakenError{repository.Tag(to)}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	missing := &MissingError{Tag: from}
	for n, image := range names {
		if found[n] == nil {
			missing.Names = append(missing.Names, image)
		}
	}
	if len(missing.Names) > 0 {
		return nil, missing
	}
	if err := errors.Join(taken...); err != nil {
		return nil, err
	}
	var done []Retagged
	for n, image := range names {
		repository := wires[n].repository
		if moves[n] {
			if err := r.point(ctx, wires[n], to, found[n]); err != nil {
				return done, err
			}
		}
		done = append(done, Retagged{Name: image, Reference: repository.Digest(found[n].digest.String()), Tag: repository.Tag(to), UpToDate: !moves[n]})
	}
	return done, nil
}

// point points a tag to an image that is there.
func (r *Registry) point(ctx context.Context, w *wire, tag string, to *standing) error {
	err := r.retry(ctx, func() error { return w.putManifest(ctx, tag, to.mediaType, to.text) })
	if slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusMethodNotAllowed}, status(err)) {
		err = errors.Join(err, errors.New("the tag may be immutable and stand for another image; choose another tag, or delete it"))
	}
	return r.explain("tag "+w.repository.Tag(tag).String(), w.repository.RegistryStr(), err)
}
