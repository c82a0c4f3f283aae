package pipeline

import (
	"fmt"
	"testing"
)

// TestFollowed follows no run twice, and not more than maxChildren at any depth: a server may name a run below itself.
func TestFollowed(t *testing.T) {
	f := &followed{uuids: map[string]bool{"parent": true}}
	if f.add("parent") || !f.add("child") || f.add("child") {
		t.Error("a run is followed twice, or not at all")
	}
	for n := range 2 * maxChildren {
		f.add(fmt.Sprint(n))
	}
	if len(f.uuids) != maxChildren+1 || f.add("another") {
		t.Errorf("%d runs are followed", len(f.uuids))
	}
}
