package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Retagged is an image that has been given another tag.
type Retagged struct {
	Name string
	// Reference is the image by digest, and Tag the image by its new tag.
	Reference name.Digest
	Tag       name.Tag
	// UpToDate reports whether the tag already referred to the image.
	UpToDate bool
}

// MissingError reports that some images do not have a tag.
type MissingError struct {
	// Tag is the tag, and Names are the images that do not have it.
	Tag   string
	Names []string
}

// Error names the tag and the images.
func (e *MissingError) Error() string {
	return fmt.Sprintf("image %s with the tag %s was not found in the registry: build that commit first, or name another one", strings.Join(e.Names, ", "), e.Tag)
}

// TakenError reports that a tag refers to another image.
type TakenError struct{ Tag name.Tag }

// Error names the tag.
func (e *TakenError) Error() string {
	return fmt.Sprintf("%s already points to another image; use --force to move it", e.Tag)
}

// Retag adds a second tag, to, to the images of these names that have the tag from. It
// writes manifests only: nothing is built or moved. All images are checked before the first
// tag is written, so if Retag returns a *MissingError or a *TakenError, nothing has
// changed. With force, a tag that refers to another image is moved. If writing a tag fails,
// Retag returns the images that have been tagged so far.
func (c *Client) Retag(ctx context.Context, names []string, from, to string, force bool) ([]Retagged, error) {
	for _, tag := range []string{from, to} {
		if err := CheckTag(tag, ""); err != nil {
			return nil, err
		}
	}
	at, found, moves := make([]*Repository, len(names)), make([]*Manifest, len(names)), make([]bool, len(names))
	taken := make([]error, len(names))
	group, limited := panics.WithContext(ctx)
	group.SetLimit(Parallel)
	for n, image := range names {
		group.Go(func() error {
			repository, err := c.Reference(image)
			if err != nil {
				return err
			}
			if at[n], err = c.Open(limited, repository, Push); err != nil {
				return err
			}
			if found[n], err = at[n].Manifest(limited, from); err != nil || found[n] == nil {
				return err
			}
			old, err := at[n].Manifest(limited, to)
			moves[n] = old == nil || old.Digest != found[n].Digest
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
		repository := at[n].Name
		if moves[n] {
			if err := at[n].Tag(ctx, to, found[n]); err != nil {
				return done, err
			}
		}
		done = append(done, Retagged{Name: image, Reference: repository.Digest(found[n].Digest.String()), Tag: repository.Tag(to), UpToDate: !moves[n]})
	}
	return done, nil
}
