package secret

import (
	"context"
	"errors"
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
	// Apply writes b by server-side apply. Unless force is set, it fails for fields that other
	// field managers have set to other values. The errors of Apply and Delete name the Secret.
	Apply(ctx context.Context, b Bundle, force bool) error
	// Delete deletes a Secret. It returns nil if there is none.
	Delete(ctx context.Context, name string) error
}

// Stored is one Secret as it is in the cluster.
type Stored struct {
	Name, Type string
	Data       map[string]Value
	// Immutable reports whether Kubernetes refuses changes of Data.
	Immutable bool
	// Managed reports whether slipway wrote the Secret, and Project for which project.
	Managed bool
	Project string
	// Own are the fields that slipway's field manager owns, such as .data.token. Others are
	// the fields of other field managers, each with the names of its managers. Own is nil if
	// the cluster does not say who owns the fields.
	Own    map[string]bool
	Others map[string][]string
}

// Wanted is what a sync is asked for.
type Wanted struct {
	Project string
	Bundles []Bundle
	// Prune deletes the Secrets of the project that no bundle names.
	Prune bool
	// Force takes fields from other field managers.
	Force bool
}

// Plan compares the Secrets in the cluster with what is wanted and returns what Apply would
// do. It changes nothing. A Secret that slipway did not write, or wrote for another
// project, is part of the plan only if a bundle has its name. Secrets of the project
// without a bundle are part of it only with Prune.
//
// Plan fails if Kubernetes would refuse one of the changes: if a Secret would have to change
// its type or, with a *source.Error, if it is immutable, or with a *ConflictError if other
// field managers own what would change.
func Plan(ctx context.Context, s Store, w Wanted) ([]Change, error) {
	stored, err := w.read(ctx, s)
	if err != nil {
		return nil, err
	}
	have := map[string]Stored{}
	for _, x := range stored {
		have[x.Name] = x
	}
	var changes []Change
	var refused []error
	wanted := map[string]bool{}
	for _, b := range w.Bundles {
		wanted[b.Name] = true
		old, ok := have[b.Name]
		change := compare(b, old, ok)
		if err := w.refusal(b, old, change); err != nil {
			refused = append(refused, err)
		}
		changes = append(changes, change)
	}
	if err := errors.Join(refused...); err != nil {
		return nil, err
	}
	for _, x := range stored {
		if wanted[x.Name] || !x.Managed || x.Project != w.Project {
			continue
		}
		changes = append(changes, Change{Name: x.Name, Action: Prune, Keys: keyChanges(x.Data, Prune)})
	}
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].Name < changes[j].Name })
	return changes, nil
}

// read returns the Secrets in the cluster that bundles name, or with Prune all Secrets.
func (w Wanted) read(ctx context.Context, s Store) ([]Stored, error) {
	if w.Prune {
		return s.List(ctx)
	}
	var names []string
	for _, b := range w.Bundles {
		names = append(names, b.Name)
	}
	return s.Read(ctx, names)
}

// Apply makes changes that Plan returned for w. One that failed half-way can be repeated.
func Apply(ctx context.Context, s Store, w Wanted, changes []Change) error {
	action := map[string]Action{}
	for _, c := range changes {
		action[c.Name] = c.Action
	}
	for _, b := range w.Bundles {
		if action[b.Name] == Unchanged {
			continue
		}
		if err := s.Apply(ctx, b, w.Force); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if c.Action != Prune {
			continue
		}
		if err := s.Delete(ctx, c.Name); err != nil {
			return err
		}
	}
	return nil
}

// Sync makes the changes that Plan returns, and returns them. A second Sync changes
// nothing.
func Sync(ctx context.Context, s Store, w Wanted) ([]Change, error) {
	changes, err := Plan(ctx, s, w)
	if err != nil {
		return nil, err
	}
	return changes, Apply(ctx, s, w, changes)
}
