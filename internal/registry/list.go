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

// Listed is one image in the registry.
type Listed struct {
	// Repository is the full name, and Digest has the prefix sha256:.
	Repository string
	Digest     string
	// Tags are all tags that point to the image, sorted.
	Tags []string
	// Size is the number of bytes that a pull of all platforms transfers, 0 if unknown.
	Size int64
	// Created is when the image was created, the zero time if unknown.
	Created time.Time
}

// List returns the images with these names that the registry has, sorted by repository and
// then the newest first. Without names it returns the images of all repositories under the
// prefix, at any depth. Google's registries list the children of a repository. All other
// registries are asked for their catalog, which some do not provide. Images without a tag
// and attestations are not listed.
func (c *Client) List(ctx context.Context, names []string) ([]Listed, error) {
	var repositories []name.Repository
	for _, image := range names {
		repository, err := c.Reference(image)
		if err != nil {
			return nil, err
		}
		repositories = append(repositories, repository)
	}
	l := &lister{client: c, transport: &listing{next: c.transport()}}
	if len(names) == 0 {
		if err := l.listPrefix(ctx); err != nil {
			return nil, err
		}
	} else if err := l.listRepositories(ctx, repositories, false); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.found, func(a, b Listed) int {
		return cmp.Or(strings.Compare(a.Repository, b.Repository), b.Created.Compare(a.Created), strings.Compare(a.Digest, b.Digest))
	})
	return l.found, nil
}

// lister collects images from several goroutines.
type lister struct {
	client *Client
	// transport sends the requests for lists.
	transport http.RoundTripper

	mu    sync.Mutex
	found []Listed
}

// listPrefix lists the images of all repositories under the prefix.
func (l *lister) listPrefix(ctx context.Context) error {
	any, err := l.client.Reference("any")
	if err != nil {
		return err
	}
	if path := strings.TrimSuffix(any.RepositoryStr(), "/any"); path != any.RepositoryStr() && path != "any" {
		root := any.Registry.Repo(path)
		tags, err := l.tags(ctx, root)
		if err == nil && len(tags.Children) > 0 {
			return l.listRepositories(ctx, children(root, tags), true)
		}
	}
	var repositories []string
	err = l.client.retry(ctx, func() (err error) {
		repositories, err = remote.Catalog(ctx, any.Registry, l.client.options(ctx, remote.WithTransport(l.transport))...)
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
	return l.listRepositories(ctx, under, false)
}

// children returns the repositories directly below a repository.
func children(of name.Repository, tags *google.Tags) []name.Repository {
	var all []name.Repository
	for _, child := range tags.Children {
		all = append(all, of.Registry.Repo(of.RepositoryStr()+"/"+child))
	}
	return all
}

// maxName is the maximum length of a repository's name, from Docker's reference grammar.
const maxName = 255

// listRepositories lists the images of the repositories and, if deep, of the repositories
// below them. The error is a *ListError for repositories below each other without end.
func (l *lister) listRepositories(ctx context.Context, repositories []name.Repository, deep bool) error {
	for _, repository := range repositories {
		if len(repository.RepositoryStr()) > maxName {
			return &ListError{repository.RegistryStr()}
		}
	}
	group, limited := panics.WithContext(ctx)
	group.SetLimit(Parallel)
	for _, repository := range repositories {
		group.Go(func() error {
			tags, err := l.tags(limited, repository)
			if Status(err) == http.StatusNotFound {
				return nil
			}
			if err == nil {
				err = l.addRepository(limited, repository, tags)
			}
			if err == nil && deep {
				err = l.listRepositories(limited, children(repository, tags), true)
			}
			return l.client.Explain("list "+repository.String(), repository.RegistryStr(), err)
		})
	}
	return group.Wait()
}

// tags returns the tags of a repository. Google's registries add its manifests and
// children.
func (l *lister) tags(ctx context.Context, repository name.Repository) (tags *google.Tags, err error) {
	err = l.client.retry(ctx, func() error {
		tags, err = google.List(repository, google.WithContext(ctx), google.WithTransport(l.transport), google.WithAuthFromKeychain(l.client.keychain()))
		return err
	})
	return tags, err
}

// addRepository adds the images of a repository. Google's registries describe them in the
// list of tags. With other registries it takes a request for each tag.
func (l *lister) addRepository(ctx context.Context, repository name.Repository, tags *google.Tags) error {
	if len(tags.Manifests) > 0 {
		for digest, m := range tags.Manifests {
			shown := visible(m.Tags)
			if len(shown) == 0 {
				continue
			}
			created := m.Created
			if created.Unix() <= 0 {
				created = m.Uploaded // images built by slipway have no creation time
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
			there, err := at.ManifestIfReadable(limited, tag)
			// The tag has been deleted meanwhile, or its manifest is unreadable.
			if err != nil || there == nil {
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

// created returns the time of an image's configuration or, as slipway's images have none,
// the time that the documents attached to it state. For an index it uses the first of its
// images, and adds to to.Size the sizes of images that the index does not state.
func (l *lister) created(ctx context.Context, at *Repository, there *Manifest, to *Listed) (time.Time, error) {
	digest := there.Digest
	for n, child := range there.Children {
		size, _ := statedSize(child)
		if n > 0 && size > 0 {
			continue
		}
		image, err := at.Manifest(ctx, child.Digest.String())
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

// add adds an image to the result.
func (l *lister) add(one Listed) {
	slices.Sort(one.Tags)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = append(l.found, one)
}

// visible returns the tags that users are interested in. It leaves out slipway's own tags,
// and those under which registries without the referrers API keep attestations.
func visible(tags []string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool {
		hex, attached := strings.CutPrefix(tag, "sha256-")
		return strings.HasPrefix(tag, OwnTagPrefix) || attached && len(hex) >= 64
	})
}
