package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// The directories of a Runtime, and the lock that is shared by all who unpack.
const (
	imagesDir = "images"
	layersDir = "layers"
	storeLock = "images.lock"
)

// maxParallelPulls is how many layers are unpacked at a time.
const maxParallelPulls = 4

const lockPoll = 10 * time.Millisecond

// share keeps unpacked images from being pruned until unlock is called.
func (r *Runtime) share(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(r.options.Dir, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(r.options.Dir, storeLock))
	if _, err := lock.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, err
	}
	return func() { _ = lock.Unlock() }, nil
}

// hold locks dir, so that one process at a time unpacks to it. Cancelling ctx ends the
// wait.
func hold(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(dir + ".lock")
	if _, err := lock.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("wait for another process that unpacks it: %w", err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// hidden returns the path where dir is prepared before it is renamed.
func hidden(dir string) string { return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)) }

// contents returns the layers on disk. It pulls those that are missing or damaged.
func (r *Runtime) contents(ctx context.Context, layers []v1.Layer, tell func(Progress)) ([]*content, error) {
	all := make([]*content, len(layers))
	at := map[v1.Hash][]int{} // an image may have a layer twice
	var missing []v1.Layer
	var whole int64
	for i, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		at[digest] = append(at[digest], i)
		if len(at[digest]) > 1 {
			continue
		}
		if all[i], err = openContent(r.layerDir(digest)); err == nil {
			continue
		}
		size, err := l.Size()
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", digest, err)
		}
		whole += size
		missing = append(missing, l)
	}
	read := progress(whole, tell)
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxParallelPulls)
	for _, l := range missing {
		group.Go(func() error {
			digest, err := l.Digest()
			if err != nil {
				return err
			}
			if all[at[digest][0]], err = r.fetch(ctx, digest, l, read); err != nil {
				return fmt.Errorf("layer %s: %w", digest, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, same := range at {
		for _, i := range same[1:] {
			all[i] = all[same[0]]
		}
	}
	return all, nil
}

// fetch pulls and unpacks a layer.
func (r *Runtime) fetch(ctx context.Context, digest v1.Hash, from v1.Layer, read func(n int)) (*content, error) {
	final := r.layerDir(digest)
	unlock, err := hold(ctx, final)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, err := openContent(final); err == nil {
		return c, nil
	}
	temporary := hidden(final)
	if err := errors.Join(Remove(temporary), Remove(final)); err != nil {
		return nil, err
	}
	from, err = count(from, read)
	if err != nil {
		return nil, err
	}
	err = unpackLayer(ctx, temporary, from)
	if err == nil {
		err = flush(temporary)
	}
	if err == nil {
		err = os.Rename(temporary, final)
	}
	if err != nil {
		return nil, errors.Join(err, Remove(temporary))
	}
	return openContent(final)
}

// progressSteps is how many times the progress of a pull is reported.
const progressSteps = 50

// progress returns a function that adds up bytes and calls tell with the total so far.
func progress(whole int64, tell func(Progress)) func(n int) {
	if tell == nil || whole == 0 {
		return func(int) {}
	}
	tell(Progress{Whole: whole})
	var done atomic.Int64
	return func(n int) {
		now := done.Add(int64(n))
		if before := now - int64(n); before*progressSteps/whole < now*progressSteps/whole {
			tell(Progress{Done: min(now, whole), Whole: whole})
		}
	}
}
