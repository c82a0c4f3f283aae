package polyaxon

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// reasonBusy is the reason of a run that waits for resources that other runs use.
const reasonBusy = "MachineBusy"

// reserve waits until the resources that a run requests are free, and claims them. The
// run's status says which runs it waits for. It returns the cause if ctx is cancelled.
func (e *executor) reserve(ctx context.Context, uuid string, asked request) error {
	reported := ""
	for {
		e.mu.Lock()
		if e.options.Capacity.fits(asked, e.used) {
			for name, n := range asked {
				e.used[name] += n
			}
			e.reserved[uuid] = asked
			e.mu.Unlock()
			return nil
		}
		why, freed := e.waitsFor(asked), e.freed
		e.mu.Unlock()
		if why != reported {
			reported = why
			e.setStatus(uuid, queued, reasonBusy, why)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-freed:
		}
	}
}

// waitsFor says which requested resources are not free, and which runs use them. The
// caller must hold mu.
func (e *executor) waitsFor(asked request) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if e.options.Capacity.fits(request{name: asked[name]}, e.used) {
			continue
		}
		var holders []string
		for _, uuid := range slices.Sorted(maps.Keys(e.reserved)) {
			if n := e.reserved[uuid][name]; n > 0 {
				r, _ := e.store.run(uuid)
				holders = append(holders, "run "+r.Name+" ("+uuid[:min(8, len(uuid))]+") has "+quantity(name, n))
			}
		}
		parts = append(parts, quantity(name, asked[name])+" of this machine's "+quantity(name, e.options.Capacity.has(name))+": "+strings.Join(holders, ", "))
	}
	return "the run needs " + strings.Join(parts, "; ") + "; it starts when enough resources are free"
}

func (e *executor) release(uuid string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, n := range e.reserved[uuid] {
		e.used[name] -= n
	}
	delete(e.reserved, uuid)
	close(e.freed)
	e.freed = make(chan struct{})
}
