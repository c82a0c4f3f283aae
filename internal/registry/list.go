package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/google"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Listed is one image that the registry has.
type Listed struct {
	Repository string
	Digest     string
	// Tags are all that point to it, by name.
	Tags []string
	// Size is what a pull moves, in bytes, of all platforms; 0 when it is not known.
	Size int64
	// Created is the zero time when the image does not tell.
	Created time.Time
}

// List returns the images of these names that the registry has, by repository,
// the newest first. Without names it gives those of all repositories under the
// prefix, at any depth: registries that know what is below a repository (Google's)
// are asked for that, all others for their catalog, which some do not tell.
// Images without a tag are not listed, nor are attestations.
func (c *Client) List(ctx context.Context, names []string) ([]Listed, error) {
	var repositories []name.Repository
	for _, image := range names {
		repository, err := c.Reference(image)
		if err != nil {
			return nil, err
		}
		repositories = append(repositories, repository)
	}
	l := &lister{client: c}
	if len(names) == 0 {
		if err := l.below(ctx); err != nil {
			return nil, err
		}
	} else if err := l.all(ctx, repositories, false); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.found, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Repository, b.Repository), b.Created.Compare(a.Created), strings.Compare(a.Digest, b.Digest))
	})
	return l.found, nil
}

type lister struct {
	client *Client

	mu    sync.Mutex
	found []Listed
}

// below lists what is under the prefix.
func (l *lister) below(ctx context.Context) error {
	any, err := l.client.Reference("any")
	if err != nil {
		return err
	}
	if path := strings.TrimSuffix(any.RepositoryStr(), "/any"); path != any.RepositoryStr() && path != "any" {
		root := any.Registry.Repo(path)
		tags, err := l.tags(ctx, root)
		if err == nil && len(tags.Children) > 0 {
			return l.all(ctx, children(root, tags), true)
		}
	}
	var repositories []string
	err = l.client.retry(ctx, func() (err error) {
		repositories, err = remote.Catalog(ctx, any.Registry, l.client.options(ctx)...)
		return err
	})
	if err != nil {
		return l.client.Explain("list the repositories of "+l.client.Prefix, any.RegistryStr(), err)
	}
	prefix := strings.TrimSuffix(any.RepositoryStr(), "any")
	var under []name.Repository
	for _, repository := range repositories {
		if below, ok := strings.CutPrefix(repository, prefix); ok && below != "" {
			under = append(under, any.Registry.Repo(repository))
		}
	}
	return l.all(ctx, under, false)
}

func children(of name.Repository, tags *google.Tags) []name.Repository {
	var all []name.Repository
	for _, child := range tags.Children {
		all = append(all, of.Registry.Repo(of.RepositoryStr()+"/"+child))
	}
	return all
}

// all lists repositories, and with deep those below them.
func (l *lister) all(ctx context.Context, repositories []name.Repository, deep bool) error {
	group, limited := panics.WithContext(ctx)
	group.SetLimit(Parallel)
	for _, repository := range repositories {
		group.Go(func() error {
			tags, err := l.tags(limited, repository)
			if Status(err) == http.StatusNotFound {
				return nil
			}
			if err == nil {
				err = l.one(limited, repository, tags)
			}
			if err == nil && deep {
				err = l.all(limited, children(repository, tags), true)
			}
			return l.client.Explain("list "+repository.String(), repository.RegistryStr(), err)
		})
	}
	return group.Wait()
}

func (l *lister) tags(ctx context.Context, repository name.Repository) (tags *google.Tags, err error) {
	err = l.client.retry(ctx, func() error {
		tags, err = google.List(repository, google.WithContext(ctx), google.WithTransport(l.client.transport()), google.WithAuthFromKeychain(l.client.keychain()))
		return err
	})
	return tags, err
}

// one adds the images of a repository: as Google's registries tell them with the
// tags, and else by asking for each tag.
func (l *lister) one(ctx context.Context, repository name.Repository, tags *google.Tags) error {
	if len(tags.Manifests) > 0 {
		for digest, m := range tags.Manifests {
			shown := visible(m.Tags)
			if len(shown) == 0 {
				continue
			}
			created := m.Created
			if created.Unix() <= 0 {
				created = m.Uploaded // of images that have no time of their own
			}
			l.add(Listed{Repository: repository.String(), Digest: digest, Tags: shown, Size: int64(m.Size), Created: created.UTC()})
		}
		return nil
	}
	at, err := l.client.Open(ctx, repository, Pull)
	if err != nil {
		return err
	}
	byDigest := map[v1.Hash]*Listed{}
	var mu sync.Mutex
	group, limited := panics.WithContext(ctx)
	group.SetLimit(Parallel)
	for _, tag := range visible(tags.Tags) {
		group.Go(func() error {
			there, err := at.Recall(limited, tag)
			if err != nil || there == nil { // it went away meanwhile, or stands for nothing
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if byDigest[there.Digest] == nil {
				byDigest[there.Digest] = &Listed{Repository: repository.String(), Digest: there.Digest.String(), Size: there.Size}
				byDigest[there.Digest].Created, err = l.created(limited, at, there, byDigest[there.Digest])
			}
			byDigest[there.Digest].Tags = append(byDigest[there.Digest].Tags, tag)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, one := range byDigest {
		slices.Sort(one.Tags)
		l.add(*one)
	}
	return nil
}

// created asks an image's configuration for its time and, as slipway's have none,
// the documents that are attached to it. An index has none: it gets
// the time of the first of its images, and the sizes of all, unless it tells them.
func (l *lister) created(ctx context.Context, at *Repository, there *Manifest, to *Listed) (time.Time, error) {
	digest := there.Digest
	for n, child := range there.Children {
		size, _ := told(child)
		if n > 0 && size > 0 {
			continue
		}
		image, err := at.Look(ctx, child.Digest.String())
		if err != nil || image == nil {
			return time.Time{}, err
		}
		if size == 0 {
			to.Size += image.Size
		}
		if n == 0 {
			there = image
		}
	}
	if there.Config.Size == 0 {
		return time.Time{}, nil
	}
	var text []byte
	err := l.client.retry(ctx, func() (err error) {
		text, err = at.wire.smallBlob(ctx, there.Config.Digest)
		return err
	})
	var config struct {
		Created time.Time `json:"created"`
	}
	if err != nil || json.Unmarshal(text, &config) != nil {
		return time.Time{}, err
	}
	if config.Created.Unix() <= 0 {
		return at.attestedTime(ctx, digest)
	}
	return config.Created, nil
}

func (l *lister) add(one Listed) {
	slices.Sort(one.Tags)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = append(l.found, one)
}

// visible leaves out the tags that are nobody's business: slipway's own, and those
// under which registries without the referrers API keep attestations.
func visible(tags []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		hex, attached := strings.CutPrefix(tag, "sha256-")
		return strings.HasPrefix(tag, OwnTagPrefix) || attached && len(hex) >= 64
	})
}
