package secret

import (
	"bytes"
	"sort"
)

// Action is what a sync does to a Secret or to a key of one.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Unchanged Action = "unchanged"
	Prune     Action = "prune"
)

// Change is what a sync does, or would do, to one Secret.
type Change struct {
	Name   string
	Action Action
	Keys   []KeyChange
}

// KeyChange is the change of one key.
type KeyChange struct {
	Key    string
	Action Action
}

// compare returns the change that turns old, if it exists, into b.
func compare(b Bundle, old Stored, exists bool) Change {
	c := Change{Name: b.Name, Action: Unchanged}
	if !exists {
		return Change{Name: b.Name, Action: Create, Keys: keyChanges(b.Data, Create)}
	}
	for key, value := range b.Data {
		action := Unchanged
		if was, ok := old.Data[key]; !ok {
			action = Create
		} else if !bytes.Equal(was.Reveal(), value.Reveal()) {
			action = Update
		}
		c.Keys = append(c.Keys, KeyChange{key, action})
	}
	for key := range old.Data {
		if _, ok := b.Data[key]; !ok && old.drops(dataField(key)) {
			c.Keys = append(c.Keys, KeyChange{key, Prune})
		}
	}
	for _, k := range c.Keys {
		if k.Action != Unchanged {
			c.Action = Update
		}
	}
	if !old.Managed || old.Project != b.Project || b.Immutable && !old.Immutable {
		c.Action = Update // adopted from another owner, or frozen
	}
	sort.Slice(c.Keys, func(i, j int) bool { return c.Keys[i].Key < c.Keys[j].Key })
	return c
}

// drops reports whether a field disappears when slipway applies the Secret without it. A
// field that slipway wrote does, unless another field manager has set it, too.
func (s Stored) drops(field string) bool {
	if s.Own == nil {
		return s.Managed
	}
	return s.Own[field] && len(s.Others[field]) == 0
}

func keyChanges(data map[string]Value, action Action) []KeyChange {
	var changes []KeyChange
	for key := range data {
		changes = append(changes, KeyChange{key, action})
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].Key < changes[j].Key })
	return changes
}
