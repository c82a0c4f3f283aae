package wheel

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// opening opens wheels in the order in which they arrive.
type opening struct {
	spec   Spec
	target target
	// early reports whether layers are passed to Spec.Early as soon as they are known.
	early bool

	mu       sync.Mutex
	archives []*archive
}

// take opens a wheel. If the package has its own layer, take passes the layer to
// Spec.Early, since its content depends on no other package unless they overlap.
func (o *opening) take(ctx context.Context, w wheel) error {
	a, err := open(ctx, o.target, w)
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.archives = append(o.archives, a)
	o.mu.Unlock()
	if !o.early {
		return nil
	}
	files, err := o.spec.install(o.target, a)
	if err != nil {
		return err
	}
	p, err := o.spec.finish(o.target, a, files)
	if err != nil {
		return err
	}
	if name := layerOf(p); strings.HasPrefix(name, ownLayer) {
		o.spec.Early(newLayer(name, sorted(files)))
	}
	return nil
}

// sorted returns the wheels in the order of their packages' names.
func (o *opening) sorted() []*archive {
	slices.SortFunc(o.archives, func(a, b *archive) int { return strings.Compare(a.requirement.name, b.requirement.name) })
	return o.archives
}
