package wheel

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// opener opens wheels in the order in which they arrive.
type opener struct {
	spec   Spec
	target target
	// early reports whether layers are passed to Spec.Early as soon as they are known.
	early bool

	mu       sync.Mutex
	archives []*archive
}

// add opens a wheel. If the package has its own layer, add passes the layer to
// Spec.Early, since its content depends on no other package unless they overlap.
func (o *opener) add(ctx context.Context, w wheel) error {
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
func (o *opener) sorted() []*archive {
	slices.SortFunc(o.archives, func(a, b *archive) int { return strings.Compare(a.requirement.name, b.requirement.name) })
	return o.archives
}
