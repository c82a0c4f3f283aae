package secret

import (
	"bytes"
	"context"
	"fmt"
	"sort"
)

// Store holds the Secrets of a namespace.
type Store interface {
	// Read returns the Secrets with these names that exist. It needs no permission to list
	// Secrets, but is faster with it.
	Read(ctx context.Context, names []string) ([]Stored, error)
	// List returns all Secrets of the namespace that slipway may have written, or none if the
	// namespace does not exist. It is only called for pruning, as a user who deploys may not
	// have permission to list Secrets.
	List(context.Context) ([]Stored, error)
	// Apply writes b by server-side apply.
	Apply(context.Context, Bundle) error
	// Delete deletes a Secret. It returns nil if there is none.
	Delete(ctx context.Context, name string) error
}

// Stored is one Secret as it is in the cluster.
type Stored struct {
	Name, Type string
	Data       map[string]Value
	// Managed reports whether slipway wrote the Secret, and Project for which project.
	Managed bool
	Project string
}

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

// Plan compares the Secrets in the cluster with bundles and returns what Sync would do.
// It changes nothing. A Secret that slipway did not write, or wrote for another project,
// is part of the plan only if a bundle has its name. Secrets of the project without a
// bundle are part of it only with prune. Plan fails if a Secret would have to change its
// type, which Kubernetes does not allow.
func Plan(ctx context.Context, s Store, project string, bundles []Bundle, prune bool) ([]Change, error) {
	stored, err := readSecrets(ctx, s, bundles, prune)
	if err != nil {
		return nil, err
	}
	have := map[string]Stored{}
	for _, x := range stored {
		have[x.Name] = x
	}
	var changes []Change
	wanted := map[string]bool{}
	for _, b := range bundles {
		wanted[b.Name] = true
		old, ok := have[b.Name]
		if ok && old.Type != b.Type {
			return nil, fmt.Errorf("secret %s has type %s in the cluster and should have %s; Kubernetes cannot change that: delete it there first", b.Name, old.Type, b.Type)
		}
		changes = append(changes, compare(b, old, ok))
	}
	for _, x := range stored {
		if wanted[x.Name] || !x.Managed || x.Project != project {
			continue
		}
		changes = append(changes, Change{Name: x.Name, Action: Prune, Keys: keyChanges(x.Data, Prune)})
	}
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].Name < changes[j].Name })
	return changes, nil
}

// readSecrets returns the Secrets in the cluster that bundles name, or with prune all Secrets.
func readSecrets(ctx context.Context, s Store, bundles []Bundle, prune bool) ([]Stored, error) {
	if prune {
		return s.List(ctx)
	}
	var names []string
	for _, b := range bundles {
		names = append(names, b.Name)
	}
	return s.Read(ctx, names)
}

// Sync makes the changes that Plan returns, and returns them. A second Sync changes
// nothing. A Sync that failed half-way can be repeated.
func Sync(ctx context.Context, s Store, project string, bundles []Bundle, prune bool) ([]Change, error) {
	changes, err := Plan(ctx, s, project, bundles, prune)
	if err != nil {
		return nil, err
	}
	action := map[string]Action{}
	for _, c := range changes {
		action[c.Name] = c.Action
	}
	for _, b := range bundles {
		if action[b.Name] == Unchanged {
			continue
		}
		if err := s.Apply(ctx, b); err != nil {
			return changes, fmt.Errorf("apply secret %s: %w", b.Name, err)
		}
	}
	for _, c := range changes {
		if c.Action != Prune {
			continue
		}
		if err := s.Delete(ctx, c.Name); err != nil {
			return changes, fmt.Errorf("delete secret %s: %w", c.Name, err)
		}
	}
	return changes, nil
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
		// A key that slipway wrote is removed once the configuration does not name it. A key
		// that another field manager added stays, as server-side apply works.
		if _, ok := b.Data[key]; !ok && old.Managed {
			c.Keys = append(c.Keys, KeyChange{key, Prune})
		}
	}
	for _, k := range c.Keys {
		if k.Action != Unchanged {
			c.Action = Update
		}
	}
	if !old.Managed || old.Project != b.Project {
		c.Action = Update // adopted from another owner
	}
	sort.Slice(c.Keys, func(i, j int) bool { return c.Keys[i].Key < c.Keys[j].Key })
	return c
}

func keyChanges(data map[string]Value, action Action) []KeyChange {
	var changes []KeyChange
	for key := range data {
		changes = append(changes, KeyChange{key, action})
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].Key < changes[j].Key })
	return changes
}
