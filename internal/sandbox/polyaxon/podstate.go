package polyaxon

import (
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
)

// podState is what happened to the pod of one attempt at a run.
type podState struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	// Containers are those that were started, in order.
	Containers []containerState `json:"containers,omitempty"`
}

// containerState is what happened to a container. Ended is zero while it runs.
type containerState struct {
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Code    int       `json:"code,omitempty"`
	OOM     bool      `json:"oom,omitempty"`
}

// of returns the state of a container, or nil if it was not started.
func (s *podState) of(container string) *containerState {
	for i := range s.Containers {
		if s.Containers[i].Name == container {
			return &s.Containers[i]
		}
	}
	return nil
}

// podName returns the name of the pod of an attempt at a run. Attempts count from 0.
func podName(uuid string, attempt int) string {
	return fmt.Sprintf("plx-operation-%s-%d", uuid, attempt)
}

// podCreated records the new pod of an attempt, and the end of the pods of later ones: a
// run that was resumed begins with its first pod again.
func (e *executor) podCreated(uuid string, attempt int) {
	e.store.note(uuid, func(r *record) {
		earlier := r.Pods[:min(attempt, len(r.Pods))]
		r.Pods = append(slices.Clone(earlier), podState{Name: podName(uuid, attempt), Created: e.options.Now()})
	})
}

// saw records what happened to a container of the pod.
func (p *podRun) saw(container string, change func(*containerState)) {
	p.store.note(p.run.UUID, func(r *record) {
		r.Pods = slices.Clone(r.Pods)
		for i := range r.Pods {
			pod := &r.Pods[i]
			if pod.Name != p.name {
				continue
			}
			pod.Containers = slices.Clone(pod.Containers)
			if pod.of(container) == nil {
				pod.Containers = append(pod.Containers, containerState{Name: container})
			}
			change(pod.of(container))
		}
	})
}

// began records that a container runs.
func (p *podRun) began(name string) {
	p.saw(name, func(c *containerState) { c.Started = p.options.Now() })
}

// ended records how a container ended.
func (p *podRun) ended(name string, exit container.Exit) {
	p.saw(name, func(c *containerState) { c.Ended, c.Code, c.OOM = p.options.Now(), exit.Code, exit.OOM })
}
