package debian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Progress says how many packages have been downloaded, and how many bytes.
type Progress struct {
	Packages, PackagesTotal int
	Bytes, BytesTotal       int64
}

// Download downloads packages for a base into the cache, several at once, and verifies their hashes. It
// returns an *Error if one of them needs a script. progress, if not nil, is called after each
// package, never from two goroutines at once.
func (f *Fetcher) Download(ctx context.Context, base *Base, packages []*Package, progress func(Progress)) error {
	client, closeIdle := f.client()
	defer closeIdle()
	done := Progress{PackagesTotal: len(packages)}
	for _, p := range packages {
		done.BytesTotal += p.Size
	}
	var mu sync.Mutex
	group, limited := panics.WithContext(ctx)
	group.SetLimit(maxDownloads)
	for _, p := range packages {
		group.Go(func() error {
			var wrong error
			err := f.verified(limited, client, p.URL, p.SHA256, p.Size, func(body io.Reader) error {
				wrong = inspect(body, p, base.bare)
				return nil
			})
			if err == nil && wrong != nil {
				err = explain(p, wrong)
			}
			if err != nil {
				return f.gone(p, err)
			}
			mu.Lock()
			defer mu.Unlock()
			done.Packages++
			done.Bytes += p.Size
			if progress != nil {
				progress(done)
			}
			return nil
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// errStop ends the reading of a package.
var errStop = io.ErrNoProgress

// inspect reads the control files of a package for a base, and not its other files.
func inspect(body io.Reader, p *Package, bare bool) error {
	var wrong error
	err := readDeb(body, func(files map[string][]byte) error {
		if _, wrong = readUnpacked(p, files, bare); wrong != nil {
			return wrong
		}
		return errStop
	}, func(io.Reader) error { return nil })
	if err == errStop { //nolint:errorlint // it is this very value
		return nil
	}
	return err
}

// gone adds to the error for a package that a repository does not have any more what to do.
func (f *Fetcher) gone(p *Package, err error) error {
	failed := (*RepositoryError)(nil)
	if errors.As(err, &failed) && (failed.Status == http.StatusNotFound || failed.Status == http.StatusGone) {
		return &RepositoryError{Message: fmt.Sprintf("the repository does not have %s %s any more: %s", p.Name, p.Version, failed.Message), Hint: "move to the versions that it has: slipway build --upgrade-system", Status: failed.Status, Err: err, final: true}
	}
	return err
}

// Open opens the file of a package that was downloaded. If the cache does not have it any more, it
// is downloaded again.
func (f *Fetcher) Open(ctx context.Context, p *Package) (io.ReadCloser, error) {
	if cached, err := f.Cache.Open(v1.Hash{Algorithm: "sha256", Hex: p.SHA256}); err == nil {
		return cached, nil
	}
	file, err := os.CreateTemp("", "slipway-*.deb")
	if err != nil {
		return nil, err
	}
	client, closeIdle := f.client()
	defer closeIdle()
	err = f.verified(ctx, client, p.URL, p.SHA256, p.Size, func(body io.Reader) error {
		if err := file.Truncate(0); err != nil {
			return err
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(file, body)
		return err
	})
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(f.gone(p, err), file.Close(), os.Remove(file.Name()))
	}
	return &temporary{file}, nil
}

// temporary is a file that is removed when it is closed.
type temporary struct{ *os.File }

// Close implements io.Closer.
func (t *temporary) Close() error { return errors.Join(t.File.Close(), os.Remove(t.Name())) }
