package image

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"golang.org/x/sync/errgroup"
)

// Listed is one image that the registry has.
type Listed struct {
	Repository string
	Digest     string
	// Tags are all that point to it, by name.
	Tags []string
	// Size is what a pull moves, in bytes; 0 when it is not known.
	Size int64
	// Created is the zero time when the image does not tell.
	Created time.Time
}

// List gives the images of these names that the registry has, by repository,
// the newest first. Without names it gives those of all repositories under the
// prefix, which not every registry tells. Images without a tag are not listed.
func (r *Registry) List(ctx context.Context, names []string) ([]Listed, error) {
	puller, err := remote.NewPuller(r.options(ctx)...)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if names, err = r.names(ctx, puller); err != nil {
			return nil, err
		}
	}
	perName := make([][]Listed, len(names))
	for n, image := range names {
		repository, err := r.Reference(image)
		if err != nil {
			return nil, err
		}
		if perName[n], err = r.listOne(ctx, puller, repository); err != nil {
			return nil, r.explain("list "+repository.String(), repository.RegistryStr(), err)
		}
	}
	all := slices.Concat(perName...)
	slices.SortStableFunc(all, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Repository, b.Repository), b.Created.Compare(a.Created), strings.Compare(a.Digest, b.Digest))
	})
	return all, nil
}

// names gives the names of all repositories under the prefix.
func (r *Registry) names(ctx context.Context, puller *remote.Puller) ([]string, error) {
	any, err := r.Reference("any")
	if err != nil {
		return nil, err
	}
	var repositories []string
	err = r.retry(ctx, func() (err error) {
		repositories, err = puller.Catalog(ctx, any.Registry)
		return err
	})
	if err != nil {
		return nil, r.explain("list the repositories of "+r.Prefix, any.RegistryStr(), err)
	}
	prefix := strings.TrimSuffix(any.RepositoryStr(), "any")
	var names []string
	for _, repository := range repositories {
		if below, ok := strings.CutPrefix(repository, prefix); ok && below != "" {
			names = append(names, below)
		}
	}
	return names, nil
}

// listOne gives the images of a repository; none when it does not exist.
func (r *Registry) listOne(ctx context.Context, puller *remote.Puller, repository name.Repository) ([]Listed, error) {
	var tags []string
	err := r.retry(ctx, func() (err error) {
		tags, err = puller.List(ctx, repository)
		return err
	})
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, layersTagPrefix) })
	slices.Sort(tags)
	found := make([]*Listed, len(tags))
	group, limited := errgroup.WithContext(ctx)
	group.SetLimit(uploads)
	for n, tag := range tags {
		group.Go(func() (err error) {
			found[n], err = r.describe(limited, puller, repository.Tag(tag))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var listed []Listed
	index := map[string]int{}
	for n, one := range found {
		if one == nil {
			continue
		}
		at, known := index[one.Digest]
		if !known {
			at = len(listed)
			index[one.Digest] = at
			listed = append(listed, *one)
		}
		listed[at].Tags = append(listed[at].Tags, tags[n])
	}
	return listed, nil
}

// describe gives what a tag points to, and nil when it is gone meanwhile.
func (r *Registry) describe(ctx context.Context, puller *remote.Puller, tag name.Tag) (*Listed, error) {
	var descriptor *remote.Descriptor
	err := r.retry(ctx, func() (err error) {
		descriptor, err = puller.Get(ctx, tag)
		return err
	})
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := &Listed{Repository: tag.Context().String(), Digest: descriptor.Digest.String()}
	if descriptor.MediaType.IsIndex() {
		return one, nil
	}
	if image, err := descriptor.Image(); err == nil {
		one.Size, one.Created = details(image)
	}
	return one, nil
}

// details gives size and age of an image as far as they can be had.
func details(image v1.Image) (size int64, created time.Time) {
	if manifest, err := image.Manifest(); err == nil {
		own, _ := image.Size()
		size = own + manifest.Config.Size
		for _, l := range manifest.Layers {
			size += l.Size
		}
	}
	if config, err := image.ConfigFile(); err == nil && config.Created.Unix() > 0 {
		created = config.Created.Time
	}
	return size, created
}
