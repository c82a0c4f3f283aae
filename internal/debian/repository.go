package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/bounded"
	"github.com/slipway-ci/slipway/internal/panics"
)

// maxDownloads is how many files are downloaded at once.
const maxDownloads = 4

// maxIndex limits the size of an unpacked index in bytes. Debian's has 50 MB.
const maxIndex = 1 << 30

// Resolve returns the packages to add to a base so that it has those of names and all that they
// depend on, sorted by name. A base that has nothing gets the essential packages of the repositories,
// too. It reads the indexes of the repositories that from names, and verifies their signatures with
// its keys. locked are versions, by package, that are chosen if a repository has them. notice, if not
// nil, is called with what is being read.
//
// The error is an *Error if the base or the names are at fault, and a *RepositoryError if a
// repository is.
func (f *Fetcher) Resolve(ctx context.Context, base *Base, from *Sources, names []string, locked map[string]string, notice func(string)) ([]*Package, error) {
	client, closeIdle := f.client()
	defer closeIdle()
	all := newUniverse()
	var mu sync.Mutex
	group, limited := panics.WithContext(ctx)
	group.SetLimit(maxDownloads)
	for _, s := range from.list {
		group.Go(func() error {
			if notice != nil {
				notice("reading the packages of " + s.String())
			}
			read, err := f.readSource(limited, client, base.architecture, from, s)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range read {
				all.add(p)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, err
	}
	if base.bare {
		names = append(all.essential(), names...)
	}
	return resolve(ctx, names, all, base, from.where, locked)
}

// readSource returns the packages of a source.
func (f *Fetcher) readSource(ctx context.Context, client *http.Client, architecture string, from *Sources, s aptSource) ([]*Package, error) {
	root := strings.TrimSuffix(s.uri, "/")
	dir, components := root+"/dists/"+s.suite, s.components
	if strings.HasSuffix(s.suite, "/") {
		dir, components = root+"/"+strings.Trim(s.suite, "/."), []string{""}
	}
	dir = strings.TrimSuffix(dir, "/")
	index, err := f.readSigned(ctx, client, from, s, dir)
	if err != nil {
		return nil, err
	}
	var all []*Package
	for _, component := range components {
		name, file, ok := index.packageIndex(component, architecture)
		if !ok {
			continue
		}
		at := origin{s.host(), component, index}
		rank := func(p *Package) int { return from.pins.rank(p, at) }
		address := dir + "/" + name
		if index.byHash {
			address = dir + "/" + name[:strings.LastIndex("/"+name, "/")] + "by-hash/SHA256/" + file.sha256
		}
		found := newUniverse()
		err := f.verified(ctx, client, address, file.sha256, file.size, func(body io.Reader) error {
			clear(found.byName)
			clear(found.providers)
			plain, err := decompress(name, body)
			if err != nil {
				return err
			}
			defer plain.Close()
			return readIndex(bounded.NewReader(plain, maxIndex, errTooLarge), root, architecture, rank, found)
		})
		if err != nil {
			return nil, s.explain("the index "+name, err)
		}
		for _, versions := range found.byName {
			all = append(all, versions...)
		}
	}
	return all, nil
}

// readSigned reads the signed index of a suite.
func (f *Fetcher) readSigned(ctx context.Context, client *http.Client, from *Sources, s aptSource, dir string) (*release, error) {
	keys, where, err := from.keyring(s)
	if err != nil {
		return nil, &Error{Message: "has apt sources that cannot be verified: " + err.Error(), Hint: "add the key to " + from.where, Err: err}
	}
	now := f.Now()
	text, err := f.small(ctx, client, dir+"/InRelease")
	failed := (*RepositoryError)(nil)
	switch {
	case err == nil:
		text, err = verify(text, keys, now)
	case errors.As(err, &failed) && failed.Status == http.StatusNotFound:
		var signature []byte
		if text, err = f.small(ctx, client, dir+"/Release"); err != nil {
			return nil, err
		}
		if signature, err = f.small(ctx, client, dir+"/Release.gpg"); err != nil {
			return nil, err
		}
		err = verifyDetached(text, signature, keys, now)
	default:
		return nil, err
	}
	if err != nil {
		if where == "" {
			where = "none are there"
		}
		return nil, &RepositoryError{Message: fmt.Sprintf("the index of %s is not trusted: %v", s, err), Hint: "the keys of " + from.where + " (" + where + ") do not match the repository: " + from.remedy + ", or check system-mirrors", final: true, Err: err}
	}
	index, err := readRelease(text, s, now)
	if err != nil {
		return nil, s.explain("the index Release", err)
	}
	if !strings.HasSuffix(s.suite, "/") && !index.isSuite(s.suite) {
		return nil, &RepositoryError{Message: fmt.Sprintf("the index of %s is that of another suite: %s", s, strings.Join(index.names(), ", ")), Hint: "the mirror has a wrong index; or name the suite by one of its names in the apt sources", final: true}
	}
	return index, nil
}

// explain adds to an error which source it is about.
func (s aptSource) explain(what string, err error) error {
	switch {
	case errors.As(err, new(*RepositoryError)), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errExpired):
		return &RepositoryError{Message: fmt.Sprintf("%s of %s has expired: %v", what, s, err), Hint: "the mirror is not updated any more, or the clock of this machine is wrong", final: true, Err: err}
	case errors.Is(err, errFuture):
		return &RepositoryError{Message: fmt.Sprintf("%s of %s is not valid yet: %v", what, s, err), Hint: "the clock of this machine, or that of the mirror, is wrong", final: true, Err: err}
	}
	return &RepositoryError{Message: fmt.Sprintf("%s of %s cannot be read: %v", what, s, err), final: true, Err: err}
}
