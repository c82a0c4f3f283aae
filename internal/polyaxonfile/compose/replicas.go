package compose

import (
	"errors"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// mergeRun merges a file's own run into the run of its component.
func (s *Composer) mergeRun(old, value any, strategy string) (any, error) {
	base, _ := old.(map[string]any)
	over, ok := value.(map[string]any)
	if ok && over["kind"] == nil {
		if base == nil {
			return nil, errors.New("1 validation error for V1Operation\n  Value error, run.kind must be provided locally or by a referenced base.") //nolint:staticcheck // Polyaxon's words
		}
		return base, s.patchRun(base, over, strategy)
	}
	if base == nil {
		return value, nil
	}
	return s.mergeKind(s.Tables.Union("run"), base, value, strategy), nil
}

// patchRun applies a patch to a run. A patch for a run with replicas may also be a patch for
// each of its replicas.
func (s *Composer) patchRun(run, over map[string]any, strategy string) error {
	return s.patchRunAs(run, run, over, strategy)
}

// patchRunAs applies a patch to a run that is part of another run, native. The kind and the
// replicas are those of native.
func (s *Composer) patchRunAs(native, run, over map[string]any, strategy string) error {
	name, _ := native["kind"].(string)
	kind, here, _ := s.Tables.Union("run").Find(name, s.Version)
	if !here {
		return errors.New("runPatch cannot be validate without a supported kind.") //nolint:staticcheck // Polyaxon's words
	}
	shaped, err := s.Object(kind.Object, over)
	if replicas := s.Replicas(kind.Object, native); err != nil && len(replicas) > 0 {
		spread := map[string]any{}
		for _, path := range replicas {
			m := spread
			for _, key := range path[:len(path)-1] {
				if m[key] == nil {
					m[key] = map[string]any{}
				}
				m, _ = m[key].(map[string]any)
			}
			m[path[len(path)-1]] = plain.Copy(over)
		}
		shaped, err = s.Object(kind.Object, spread)
	}
	if err != nil {
		return err
	}
	s.merge(kind.Object, run, shaped, strategy)
	return nil
}

// Replicas returns the paths of the replicas that a run has: worker, or workers NAME.
func (s *Composer) Replicas(o *schema.Object, run map[string]any) [][]string {
	var paths [][]string
	for _, f := range o.Fields {
		value, ok := run[f.Key].(map[string]any)
		if !ok || !f.Has(s.Version) {
			continue
		}
		for _, c := range f.Type {
			switch {
			case c.Form == schema.Mapping && IsReplica(c.Object):
				paths = append(paths, []string{f.Key})
			case c.Form == schema.Map && len(c.Elem) > 0 && c.Elem[0].Form == schema.Mapping && IsReplica(c.Elem[0].Object):
				for _, name := range plain.Keys(value) {
					paths = append(paths, []string{f.Key, name})
				}
			}
		}
	}
	return paths
}

// IsReplica reports whether an object has a container: a run with one kind of pod, or a
// replica.
func IsReplica(o *schema.Object) bool {
	_, ok, _ := o.Find("container", schema.Version{})
	return ok && !o.Kubernetes
}

// containers returns the main containers of a run: its own, or those of its replicas.
func (s *Composer) containers(run map[string]any) []map[string]any {
	name, _ := run["kind"].(string)
	kind, _, _ := s.Tables.Union("run").Find(name, s.Version)
	var all []map[string]any
	holders := []map[string]any{run}
	if kind.Object != nil && !IsReplica(kind.Object) {
		holders = nil
		for _, path := range s.Replicas(kind.Object, run) {
			m := run
			for _, key := range path {
				m, _ = m[key].(map[string]any)
			}
			holders = append(holders, m)
		}
	}
	for _, holder := range holders {
		if container, ok := holder["container"].(map[string]any); ok {
			all = append(all, container)
		}
	}
	return all
}
