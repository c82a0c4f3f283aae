package polyaxon

import (
	"maps"
	"net/http"
	"strings"
)

// mark begins the keys in meta_info in which slipway notes what it believes later, such as the deploy key of a
// run and whether its metrics met what was required.
const mark = "slipway"

// mayChange reports whether the sender of a request may change a run: the user each one, and a run's container
// that run and those that it has submitted, itself or through one of them. A run that is not in the project may be
// changed: the answer says that it is not there.
func (s *Server) mayChange(r *http.Request, uuid string) bool {
	from := callerOf(r)
	if from == nil {
		return true
	}
	run, known := s.store.run(strings.ReplaceAll(uuid, "-", ""))
	if !known || run.Project != from.Project {
		return true
	}
	for run.UUID != from.UUID && run.Submitter != "" {
		run, _ = s.store.run(run.Submitter)
	}
	return run.UUID == from.UUID
}

// withMarks returns the meta_info that a request sets. Only the user sets marks. Those of before stay as they are
// whatever a run's container sends, because tracking clients may replace the whole of meta_info.
func withMarks(r *http.Request, before, sent map[string]any) map[string]any {
	if callerOf(r) == nil {
		return sent
	}
	isMark := func(key string, _ any) bool { return strings.HasPrefix(key, mark) }
	kept := maps.Clone(sent)
	maps.DeleteFunc(kept, isMark)
	for key, value := range before {
		if isMark(key, value) {
			if kept == nil {
				kept = map[string]any{}
			}
			kept[key] = value
		}
	}
	return kept
}
