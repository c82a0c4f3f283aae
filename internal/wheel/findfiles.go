package wheel

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/panics"
)

// find finds the file of each requirement. It takes the URL in the lock, unless the user
// names another index, and otherwise searches the pages of the indexes. It returns as rest
// the requirements that are left to pip.
func (f *fetcher) find(ctx context.Context, missing []requirement) (known []found, rest []requirement, err error) {
	if f.settings.needsPip {
		return nil, missing, nil
	}
	if f.remote, err = f.spec.remote(f.settings); err != nil {
		return nil, missing, nil //nolint:nilerr // what cannot be set up here is left to pip
	}
	var unknown []requirement
	for _, r := range missing {
		if o, ok := f.target.best(r, r.addresses()); ok && !f.settings.replaced {
			known = append(known, found{r, o})
		} else {
			unknown = append(unknown, r)
		}
	}
	if len(unknown) == 0 {
		return known, nil, nil
	}
	if f.settings.standard {
		own := f.spec.defaultIndex(ctx)
		if own == "" {
			return known, unknown, ctx.Err()
		}
		f.settings.indexes = append([]string{own}, f.settings.indexes...)
	}
	for _, index := range f.settings.indexes {
		f.spec.reportProgress("looking up %d packages on the index %s", len(unknown), masked(index))
	}
	offers := make([]found, len(unknown))
	group, within := panics.WithContext(ctx)
	group.SetLimit(maxDownloads)
	for n, r := range unknown {
		group.Go(func() error {
			all, err := f.candidates(within, r)
			if o, ok := f.target.best(r, all); ok && err == nil {
				offers[n] = found{r, o}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for n, o := range offers {
		if o.address == "" {
			rest = append(rest, unknown[n])
		} else {
			known = append(known, o)
		}
	}
	return known, rest, nil
}

// addresses returns the files for which the lock has a URL.
func (r requirement) addresses() []candidate {
	var all []candidate
	for _, file := range r.files {
		if isSupportedURL(file.url) {
			all = append(all, candidate{file: file.name, address: file.url, sum: file.sum, size: file.size})
		}
	}
	return all
}

// candidates returns the files of a project that the indexes and the --find-links locations
// have.
func (f *fetcher) candidates(ctx context.Context, r requirement) ([]candidate, error) {
	var all []candidate
	pages := []string{}
	for _, index := range f.settings.indexes {
		pages = append(pages, index+"/"+r.name+"/")
	}
	for _, place := range f.settings.links {
		parsed, err := url.Parse(place)
		switch {
		case err == nil && parsed.Scheme == "file":
			all = append(all, listed(filepath.FromSlash(parsed.Path))...)
		case isSupportedURL(place):
			pages = append(pages, place)
		default:
			all = append(all, listed(place)...)
		}
	}
	for _, page := range pages {
		more, err := f.remote.page(ctx, page)
		if refused := (*requestError)(nil); errors.As(err, &refused) {
			err = f.refuse(r, refused)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// listed returns the files in a directory.
func listed(dir string) []candidate {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil // pip ignores it as well
	}
	var all []candidate
	for _, file := range files {
		all = append(all, candidate{file: file.Name(), address: filepath.Join(dir, file.Name())})
	}
	return all
}
