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

// damaged is a set of blobs that have the wrong size in a registry, for example because a
// disk was full or a machine crashed.
type damaged struct {
	mu    sync.Mutex
	blobs map[v1.Hash]int64 // the correct sizes
}

// add adds a blob with its correct size, and reports whether it is new in the set.
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

// has reports whether a blob is in the set.
func (d *damaged) has(digest v1.Hash) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, damaged := d.blobs[digest]
	return damaged
}

// DamagedError reports that a registry has an incomplete copy of a blob and keeps it when
// the blob is uploaded again. Has and Want are sizes in bytes.
type DamagedError struct {
	Repository, Digest string
	Has, Want          int64
}

// Error says how an operator of the registry can repair it.
func (e *DamagedError) Error() string {
	_, hex, _ := strings.Cut(e.Digest, ":")
	return fmt.Sprintf("the blob %s@%s is incomplete in the registry (%d of %d bytes), and uploading it again does not replace it: remove the blob from its storage (for docker-registry blobs/sha256/%s/%s), and push again",
		e.Repository, e.Digest, e.Has, e.Want, hex[:min(2, len(hex))], hex)
}

// Has reports whether the repository has a blob of this size, in bytes. With Client.Verify,
// a blob of another size counts as missing, so that it is uploaded again. Without it the
// size is ignored, because some registries report no sizes, or wrong ones.
func (r *Repository) Has(ctx context.Context, digest v1.Hash, want int64) (there bool, err error) {
	there, size, err := r.blobSize(ctx, digest)
	if err != nil || !there || !r.client.Verify || size < 0 || size == want {
		return there, err
	}
	if r.damaged.add(digest, want) && r.OnDamaged != nil {
		r.OnDamaged(digest, size, want)
	}
	return false, nil
}

// blobSize reports whether the repository has a blob, and its size there, -1 if unknown.
func (r *Repository) blobSize(ctx context.Context, digest v1.Hash) (there bool, size int64, err error) {
	err = r.client.retry(ctx, func() error {
		there, size, err = r.wire.hasBlob(ctx, digest)
		return err
	})
	return there, size, err
}

// CheckRepaired checks the blobs that were damaged and have been uploaded again. It returns a
// *DamagedError if one of them still has the wrong size.
func (r *Repository) CheckRepaired(ctx context.Context) error {
	r.damaged.mu.Lock()
	blobs := maps.Clone(r.damaged.blobs)
	r.damaged.mu.Unlock()
	for _, digest := range slices.SortedFunc(maps.Keys(blobs), func(a, b v1.Hash) int { return strings.Compare(a.Hex, b.Hex) }) {
		there, size, err := r.blobSize(ctx, digest)
		if err != nil {
			return r.Explain("look up "+digest.String(), err)
		}
		if there && size >= 0 && size != blobs[digest] {
			return &DamagedError{r.Name.String(), digest.String(), size, blobs[digest]}
		}
	}
	return nil
}
