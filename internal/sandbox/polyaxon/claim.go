package polyaxon

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// busy is the reason of a run that waits for resources that other runs use.
const busy = "MachineBusy"

// claim waits until the resources that a run requests are free, and claims them. The
// run's status says which runs it waits for. It returns the cause if ctx is cancelled.
func (e *executor) claim(ctx context.Context, uuid string, asked request) error {
	told := ""
	for {
		e.mu.Lock()
		if e.options.Capacity.fits(asked, e.used) {
			for name, n := range asked {
				e.used[name] += n
			}
			e.holds[uuid] = asked
			e.mu.Unlock()
			return nil
		}
		why, freed := e.waitsFor(asked), e.freed
		e.mu.Unlock()
		if why != told {
			told = why
			e.tell(uuid, queued, busy, why)
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
		for _, uuid := range slices.Sorted(maps.Keys(e.holds)) {
			if n := e.holds[uuid][name]; n > 0 {
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
	for name, n := range e.holds[uuid] {
		e.used[name] -= n
	}
	delete(e.holds, uuid)
	close(e.freed)
	e.freed = make(chan struct{})
}
