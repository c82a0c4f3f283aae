package kubernetes

import (
	"context"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Workloads is what runs in the cluster: the runs of Polyaxon. Its methods are safe for
// concurrent use.
type Workloads interface {
	// Objects returns all pods, services, events and nodes, and a channel that is closed when
	// one of them may have changed. Nobody changes the objects.
	Objects() (*Objects, <-chan struct{})
	// Lines calls visit with the lines of a container in order, from the last tail ones on,
	// or from the first one if tail is negative. With follow it goes on until the container
	// ends.
	Lines(ctx context.Context, pod, container string, tail int64, follow bool, visit func(Line) error) error
	// Dial connects to a port of a pod.
	Dial(ctx context.Context, pod string, port int) (net.Conn, error)
}

// Objects are the objects that are made of what runs.
type Objects struct {
	Pods     []*corev1.Pod
	Services []*corev1.Service
	Events   []*corev1.Event
	Nodes    []*corev1.Node
}

// Line is one line of a container's log.
type Line struct {
	Time time.Time
	Text string
}

// Attach makes the server show what runs. It is called before the first request.
func (s *Server) Attach(w Workloads) { s.workloads = w }

// refresh takes over the derived objects as they are now. It returns a channel that is
// closed when they may have changed, or nil if k is not derived.
func (s *Server) refresh(k kind) <-chan struct{} {
	if !k.derived || s.workloads == nil {
		return nil
	}
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	now, changed := s.workloads.Objects()
	s.objects.derive(podKind, asObjects(now.Pods))
	s.objects.derive(serviceKind, asObjects(now.Services))
	s.objects.derive(eventKind, asObjects(now.Events))
	s.objects.derive(nodeKind, asObjects(now.Nodes))
	return changed
}

func asObjects[T object](list []T) []object {
	all := make([]object, len(list))
	for i, x := range list {
		all[i] = x
	}
	return all
}

// derive replaces all objects of a derived kind.
func (o *objects) derive(k kind, now []object) {
	o.mu.Lock()
	defer o.mu.Unlock()
	there := make(map[string]bool, len(now))
	for _, given := range now {
		at := key(k, given.GetNamespace(), given.GetName())
		there[at] = true
		old := o.byKey[at]
		if o.given[at] == given && old != nil {
			continue
		}
		x := given.DeepCopyObject().(object)
		x.GetObjectKind().SetGroupVersionKind(k.gvk())
		if x.GetCreationTimestamp().Time.IsZero() {
			x.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
		}
		o.given[at] = given
		if old != nil {
			x.SetResourceVersion(old.GetResourceVersion())
			if equality.Semantic.DeepEqual(x, old) {
				continue
			}
		}
		o.revision++
		x.SetResourceVersion(strconv.FormatInt(o.revision, 10))
		o.byKey[at] = x
		o.record(k, old, x)
	}
	for at, x := range o.byKey {
		if kindOf(x) == k && !there[at] {
			delete(o.byKey, at)
			delete(o.given, at)
			o.revision++
			o.record(k, x, nil)
		}
	}
}
