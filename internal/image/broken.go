package image

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// broken are blobs that a registry has, and that are longer or shorter there than they
// should be: a disk was full, or a machine went down.
type broken struct {
	mu    sync.Mutex
	blobs map[v1.Hash]int64 // with their true sizes
}

func (d *broken) add(digest v1.Hash, size int64) (first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.blobs == nil {
		d.blobs = map[v1.Hash]int64{}
	}
	_, known := d.blobs[digest]
	d.blobs[digest] = size
	return !known
}

// has tells whether a blob is one of them.
func (d *broken) has(digest v1.Hash) bool {
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

// has asks for a blob. With Verify, one that is not whole counts as none, and is sent
// again; without, the registry is believed, some of which tell no sizes, or wrong ones.
func (p *push) has(ctx context.Context, digest v1.Hash, want int64) (there bool, err error) {
	there, size, err := p.sized(ctx, digest)
	if err != nil || !there || !p.registry.Verify || size < 0 || size == want {
		return there, err
	}
	if p.broken.add(digest, want) {
		p.recipe.spec.tell(Warning, "image %s: the registry has %d of the %d bytes of %s, which is sent again", p.recipe.Name, size, want, digest)
	}
	return false, nil
}

func (p *push) sized(ctx context.Context, digest v1.Hash) (there bool, size int64, err error) {
	err = p.registry.retry(ctx, func() error {
		there, size, err = p.wire.hasBlob(ctx, digest)
		return err
	})
	return there, size, err
}

// mended asks for the blobs that were damaged, which have been sent again.
func (p *push) mended(ctx context.Context) error {
	p.broken.mu.Lock()
	blobs := maps.Clone(p.broken.blobs)
	p.broken.mu.Unlock()
	for _, digest := range slices.SortedFunc(maps.Keys(blobs), func(a, b v1.Hash) int { return strings.Compare(a.Hex, b.Hex) }) {
		there, size, err := p.sized(ctx, digest)
		if err != nil {
			return p.registry.explain("ask for "+digest.String(), p.wire.repository.RegistryStr(), err)
		}
		if there && size >= 0 && size != blobs[digest] {
			return &DamagedError{p.wire.repository.String(), digest.String(), size, blobs[digest]}
		}
	}
	return nil
}
