package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// damaged are blobs that a registry has, and that are longer or shorter there than they
// should be: a disk was full, or a machine went down.
type damaged struct {
	mu    sync.Mutex
	blobs map[v1.Hash]int64 // with their true sizes
}

func (d *damaged) add(digest v1.Hash, size int64) (first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blobs == nil {
		d.blobs = map[v1.Hash]int64{}
	}
	_, known := d.blobs[digest]
	d.blobs[digest] = size
	return !known
}

// has reports whether a blob is one of them.
func (d *damaged) has(digest v1.Hash) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, damaged := d.blobs[digest]
	return damaged
}

// DamagedError is a blob that a registry has, that is not whole there, and that it does
// not take again.
type DamagedError struct {
	Repository, Digest string
	Has, Want          int64
}

// Error says what to do, which is not slipway's to do.
func (e *DamagedError) Error() string {
	_, hex, _ := strings.Cut(e.Digest, ":")
	return fmt.Sprintf("the registry has %d of the %d bytes of %s@%s, and keeps them when it is sent again: remove the blob from its storage (for docker-registry blobs/sha256/%s/%s), and push again",
		e.Has, e.Want, e.Repository, e.Digest, hex[:min(2, len(hex))], hex)
}

// Has reports whether the repository has a blob of this size. With Client.Verify, one that
// is not whole counts as none, and is sent again; without, the registry is believed, some
// of which tell no sizes, or wrong ones.
func (r *Repository) Has(ctx context.Context, digest v1.Hash, want int64) (there bool, err error) {
	there, size, err := r.sized(ctx, digest)
	if err != nil || !there || !r.client.Verify || size < 0 || size == want {
		return there, err
	}
	if r.damaged.add(digest, want) && r.Damaged != nil {
		r.Damaged(digest, size, want)
	}
	return false, nil
}

func (r *Repository) sized(ctx context.Context, digest v1.Hash) (there bool, size int64, err error) {
	err = r.client.retry(ctx, func() error {
		there, size, err = r.wire.hasBlob(ctx, digest)
		return err
	})
	return there, size, err
}

// CheckMended asks for the blobs that were damaged, which have been sent again. One that
// still is is a *DamagedError.
func (r *Repository) CheckMended(ctx context.Context) error {
	r.damaged.mu.Lock()
	blobs := maps.Clone(r.damaged.blobs)
	r.damaged.mu.Unlock()
	for _, digest := range slices.SortedFunc(maps.Keys(blobs), func(a, b v1.Hash) int { return strings.Compare(a.Hex, b.Hex) }) {
		there, size, err := r.sized(ctx, digest)
		if err != nil {
			return r.Explain("ask for "+digest.String(), err)
		}
		if there && size >= 0 && size != blobs[digest] {
			return &DamagedError{r.Name.String(), digest.String(), size, blobs[digest]}
		}
	}
	return nil
}
