package wheel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// maxDownloads is the number of files that are downloaded at the same time.
	maxDownloads = 6
	// progressInterval is the number of bytes of a file after which progress is reported.
	progressInterval = 16 << 20
)

// handler handles a wheel as soon as it is available. Several goroutines call it.
type handler func(context.Context, wheel) error

// found is a requirement whose file is known.
type found struct {
	requirement
	candidate
}

// fetcher downloads wheels from indexes. It needs no resolver, because each file is known
// by its hash. Files that it does not find, and unusual settings, are left to pip.
type fetcher struct {
	spec   Spec
	target target
	store  store
	list   *lockContent
	handle handler

	settings settings
	remote   *remote
	begun    atomic.Int64
	total    int

	mu sync.Mutex
	// refused holds, by name, why requirements were not downloaded, where an index or the
	// network said so.
	refused map[string]*requestError
}

// fetch calls handle with the wheel of each requirement: with those in the cache at once, and
// with the others while they are downloaded.
func (s Spec) fetch(ctx context.Context, t target, needed []requirement, from *lockContent, handle handler) error {
	there, missing, err := s.cached(ctx, t, needed)
	if err != nil {
		return err
	}
	group, within := panics.WithContext(ctx)
	group.Go(func() error {
		for _, w := range there {
			if err := handle(within, w); err != nil {
				return err
			}
		}
		return nil
	})
	if len(missing) > 0 {
		f := &fetcher{spec: s, target: t, store: store{s.CacheDir}, list: from, handle: handle, settings: s.settings(from), total: len(missing), refused: map[string]*requestError{}}
		group.Go(func() error { return f.fetch(within, missing) })
	}
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

// cached splits requirements into those whose wheels are in the cache and the others.
func (s Spec) cached(ctx context.Context, t target, needed []requirement) (there []wheel, missing []requirement, err error) {
	cache := store{s.CacheDir}
	wheels, ok := make([]wheel, len(needed)), make([]bool, len(needed))
	group, within := panics.WithContext(ctx)
	group.SetLimit(pipProcesses)
	for n, r := range needed {
		group.Go(func() (err error) {
			wheels[n], ok[n], err = cache.wheel(within, t, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for n, r := range needed {
		if ok[n] {
			there = append(there, wheels[n])
		} else {
			missing = append(missing, r)
		}
	}
	return there, missing, nil
}

// fetch finds all files first, so that a file that no index has is reported before anything
// large is downloaded.
func (f *fetcher) fetch(ctx context.Context, missing []requirement) error {
	if err := f.store.tidy(time.Now()); err != nil {
		return err
	}
	known, rest, err := f.find(ctx, missing)
	if f.remote != nil {
		defer f.remote.close()
	}
	if err != nil {
		return err
	}
	if err := f.byPip(ctx, rest); err != nil {
		return err
	}
	slices.SortStableFunc(known, func(a, b found) int { return cmp.Compare(b.size, a.size) }) // the longest downloads first
	var lost []requirement
	group, within := panics.WithContext(ctx)
	group.SetLimit(maxDownloads)
	for _, one := range known {
		group.Go(func() error {
			w, err := f.download(within, one)
			if refused := (*requestError)(nil); errors.As(err, &refused) {
				if err := f.refuse(one.requirement, refused); err != nil {
					return err
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				lost = append(lost, one.requirement)
				return nil
			}
			if err != nil {
				return err
			}
			return f.handle(within, w)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return f.byPip(ctx, lost)
}

// refuse records why a requirement was not downloaded. For status 429 it returns an error
// instead, so that pip does not send more requests to that index.
func (f *fetcher) refuse(r requirement, refused *requestError) error {
	if refused.status == http.StatusTooManyRequests {
		return refused.forRequirement(r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused[r.name] = refused
	return nil
}

// byPip downloads the remaining requirements with pip. If an index refuses pip as well, or if
// there is no pip, the earlier error of the index is reported, because it has the name of the
// index.
func (f *fetcher) byPip(ctx context.Context, rest []requirement) error {
	if len(rest) == 0 {
		return nil
	}
	err := f.spec.pipFetch(ctx, f.target, rest, f.list, f.handle)
	if refused := (*IndexError)(nil); errors.As(err, &refused) || errors.Is(err, errNoPip) {
		for _, r := range rest {
			if own := f.refused[r.name]; own != nil && (refused == nil || refused.Requirement == r.String()) {
				return own.forRequirement(r)
			}
		}
	}
	return err
}

// download downloads a file into the cache. It resumes a download that was interrupted.
func (f *fetcher) download(ctx context.Context, one found) (wheel, error) {
	dir, err := os.MkdirTemp(filepath.Join(f.store.dir, "partial"), "")
	if err != nil {
		return wheel{}, fmt.Errorf("create the download directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	size := ""
	if one.size > 0 {
		size = fmt.Sprintf(" (%.1f MB)", float64(one.size)/1e6)
	}
	f.spec.reportProgress("downloading package %d of %d: %s%s", f.begun.Add(1), f.total, one.file, size)
	p := &partial{name: filepath.Join(dir, filepath.Base(one.file)), progress: func(n, of int64) {
		f.spec.reportProgress("downloading %s: %d of %d MB", one.file, n/1e6, max(n, of)/1e6)
	}, size: one.size}
	sum, err := p.fetch(ctx, f.remote, one.address)
	if err == nil && p.resumed && !slices.Contains(one.hashes, sum) { // the two parts may be of different files
		sum, err = p.fetch(ctx, f.remote, one.address)
	}
	if err != nil {
		return wheel{}, err
	}
	if !slices.Contains(one.hashes, sum) {
		return wheel{}, hashNotInLock(one.requirement, one.file, sum)
	}
	w, err := f.store.keep(f.target, one.requirement, p.name, sum, p.n)
	if err != nil {
		return w, fmt.Errorf("write a package to the cache: %w", err)
	}
	return w, nil
}

// reportProgress reports progress.
func (s Spec) reportProgress(format string, args ...any) {
	if s.Progress != nil {
		s.Progress(fmt.Sprintf(format, args...))
	}
}
