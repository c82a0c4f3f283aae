package kubernetes

import (
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
)

// maxHistory is the number of changes that are kept for watches. A watch that begins
// before them is refused, and its client lists again.
const maxHistory = 1000

// change is one change of an object. was is nil for a new object, and is nil for a
// deleted one.
type change struct {
	kind     kind
	revision int64
	was, is  object
}

// record adds a change to the history and wakes the watches. The caller must hold mu and
// has set revision.
func (o *objects) record(k kind, was, is object) {
	o.history = append(o.history, change{kind: k, revision: o.revision, was: was, is: is})
	if len(o.history) > maxHistory {
		o.history = append([]change{}, o.history[len(o.history)-maxHistory:]...)
	}
	close(o.changed)
	o.changed = make(chan struct{})
}

// since returns the changes of a kind after a revision, the revision of the last one, and
// a channel that is closed at the next change. The error is Kubernetes' for a revision that
// is too old, after which clients list again.
func (o *objects) since(k kind, revision int64) ([]change, int64, <-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	oldest := o.revision
	if len(o.history) > 0 {
		oldest = o.history[0].revision - 1
	}
	if revision < oldest || revision > o.revision {
		return nil, 0, nil, apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", revision, oldest))
	}
	var changes []change
	for _, c := range o.history {
		if c.revision > revision && c.kind == k {
			changes = append(changes, c)
		}
	}
	return changes, o.revision, o.changed, nil
}

// event returns what a watch with the selector sees of a change. It reports whether it
// sees anything: an object that no longer matches is deleted for it.
func (c change) event(t target, s selector) (watch.EventType, object, bool) {
	saw := c.was != nil && t.includes(c.was) && s.matches(c.was)
	sees := c.is != nil && t.includes(c.is) && s.matches(c.is)
	switch {
	case saw && sees:
		return watch.Modified, c.is, true
	case sees:
		return watch.Added, c.is, true
	case saw:
		gone := c.was.DeepCopyObject().(object)
		gone.SetResourceVersion(strconv.FormatInt(c.revision, 10))
		return watch.Deleted, gone, true
	}
	return "", nil, false
}
