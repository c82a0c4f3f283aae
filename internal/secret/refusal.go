package secret

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// refusal returns the error for a change that Kubernetes would refuse, or nil.
func (w Wanted) refusal(b Bundle, old Stored, c Change) error {
	switch {
	case c.Action == Create:
		return nil
	case old.Type != b.Type:
		return &source.Error{Position: b.At, Message: fmt.Sprintf("secret %s has type %s in the cluster and should have %s", b.Name, old.Type, b.Type),
			Hint: "Kubernetes cannot change that: delete the secret first, by kubectl delete secret " + b.Name}
	case old.Immutable && len(c.Differing()) > 0:
		return &source.Error{Position: b.At,
			Message: fmt.Sprintf("secret %s is immutable in the cluster, and has another value there (%s)", b.Name, strings.Join(c.Differing(), ", ")),
			Hint: fmt.Sprintf("Kubernetes refuses to change it: add a secret with another name for the new value, and use that name where %s is used; or delete the secret first, by kubectl delete secret %s, "+
				"if nothing that runs may need it", b.Name, b.Name)}
	case old.Immutable && !b.Immutable && old.drops(immutableField):
		return &source.Error{Position: b.At, Message: fmt.Sprintf("secret %s is immutable in the cluster, and Kubernetes cannot undo that", b.Name),
			Hint: "set immutable: true again, or delete the secret first, by kubectl delete secret " + b.Name}
	case w.Force:
		return nil
	}
	if conflicts := conflicts(b, old, c); len(conflicts) > 0 {
		return &ConflictError{Secret: b.Name, Conflicts: conflicts}
	}
	return nil
}

// ConflictError says that other field managers own fields of a Secret that a sync would
// change.
type ConflictError struct {
	Secret    string
	Conflicts []Conflict
}

// Conflict is a field, such as .data.token, and a field manager that owns it.
type Conflict struct{ Field, Manager string }

// TakeOver says how to change fields of other field managers.
const TakeOver = "slipway secrets sync --force-conflicts takes them over"

// Error names each manager and its fields.
func (e *ConflictError) Error() string {
	fields, managers := map[string][]string{}, []string{}
	for _, c := range e.Conflicts {
		if fields[c.Manager] == nil {
			managers = append(managers, c.Manager)
		}
		fields[c.Manager] = append(fields[c.Manager], c.Field)
	}
	var texts []string
	for _, m := range managers {
		texts = append(texts, fmt.Sprintf("the field manager %s owns %s", m, strings.Join(fields[m], ", ")))
	}
	return fmt.Sprintf("secret %s: %s, with other values than slipway.yaml (%s)", e.Secret, strings.Join(texts, "; "), TakeOver)
}

// conflicts returns the fields that c would change and that other field managers own. As
// in the API server, a field that already has its value is not one of them, nor is one
// that slipway leaves out.
func conflicts(b Bundle, old Stored, c Change) []Conflict {
	var fields []string
	for _, k := range c.Keys {
		if k.Action == Create || k.Action == Update {
			fields = append(fields, dataField(k.Key))
		}
	}
	if !old.Managed {
		fields = append(fields, labelField(LabelManagedBy))
	}
	if old.Project != b.Project {
		fields = append(fields, labelField(LabelProject))
	}
	if b.Immutable && !old.Immutable {
		fields = append(fields, immutableField)
	}
	var all []Conflict
	for _, field := range fields {
		for _, manager := range slices.Sorted(slices.Values(old.Others[field])) {
			all = append(all, Conflict{Field: field, Manager: manager})
		}
	}
	return all
}

// Differing returns the keys whose values change.
func (c Change) Differing() []string {
	var keys []string
	for _, k := range c.Keys {
		if k.Action != Unchanged {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

const immutableField = ".immutable"

// dataField and labelField return the path of a field as the API server writes it.
func dataField(key string) string   { return ".data." + key }
func labelField(name string) string { return ".metadata.labels." + name }
