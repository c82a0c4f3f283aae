package polyaxon

import (
	"encoding/json"
	"net/http"
	"slices"
)

func (s *Server) getRun(w http.ResponseWriter, _ *http.Request, run record) {
	reply(w, http.StatusOK, s.dialect.omitMissing(formRun, viewOfRun(run, s.options.Namespace)))
}

func (s *Server) patchRun(w http.ResponseWriter, r *http.Request, run record) {
	var body struct {
		Name        *string        `json:"name"`
		Description *string        `json:"description"`
		Tags        []string       `json:"tags"`
		Inputs      map[string]any `json:"inputs"`
		Outputs     map[string]any `json:"outputs"`
		MetaInfo    map[string]any `json:"meta_info"`
		Merge       bool           `json:"merge"`
	}
	if !read(w, r, &body) {
		return
	}
	merge := func(old, over map[string]any) map[string]any {
		if over == nil {
			return old
		}
		if !body.Merge {
			return over
		}
		merged := map[string]any{}
		for k, v := range old {
			merged[k] = v
		}
		for k, v := range over {
			merged[k] = v
		}
		return merged
	}
	err := s.store.change(run.UUID, func(to *record) {
		to.Inputs, to.Outputs, to.MetaInfo = merge(to.Inputs, body.Inputs), merge(to.Outputs, body.Outputs), withMarks(r, to.MetaInfo, merge(to.MetaInfo, body.MetaInfo))
		if body.Name != nil {
			to.Name = *body.Name
		}
		if body.Description != nil {
			to.Description = *body.Description
		}
		if body.Tags != nil {
			to.Tags = body.Tags
		}
	})
	if err != nil {
		s.internalError(w, err)
		return
	}
	changed, _ := s.store.run(run.UUID)
	s.getRun(w, r, changed)
}

func (s *Server) deleteRun(w http.ResponseWriter, r *http.Request) {
	run, ok := s.runOf(r)
	if !ok && s.dialect.hidesDeleted {
		notFound(w, "Run")
		return
	}
	if ok {
		if err := s.deleteOne(run); err != nil {
			s.internalError(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) deleteOne(run record) error {
	// Mark it as deleted first, so that no client sees it stopped, as on servers of 2.18.
	if err := s.store.change(run.UUID, func(r *record) { r.Deleted = true }); err != nil {
		return err
	}
	return s.stopRun(run)
}

// getStatuses responds with 404 for a deleted run, as 2.18 does.
func (s *Server) getStatuses(w http.ResponseWriter, _ *http.Request, run record) {
	if run.Deleted {
		notFound(w, "Run")
		return
	}
	reply(w, http.StatusOK, s.dialect.omitMissing(formStatuses, map[string]any{
		"uuid": run.UUID, "status": run.Status, "status_conditions": run.Conditions, "meta_info": run.MetaInfo,
	}))
}

func (s *Server) postStatus(w http.ResponseWriter, r *http.Request, run record) {
	var body struct {
		Condition map[string]any `json:"condition"`
		Force     bool           `json:"force"`
	}
	if !read(w, r, &body) {
		return
	}
	if body.Condition != nil {
		status, _ := body.Condition["type"].(string)
		if !slices.Contains(statuses(), status) {
			s.unknownPath(w, r)
			return
		}
		reason, _ := body.Condition["reason"].(string)
		message, _ := body.Condition["message"].(string)
		if err := s.store.set(run.UUID, status, reason, message, body.Force); err != nil {
			s.internalError(w, err)
			return
		}
		if terminal(status) {
			s.executor.abandon(run.UUID)
		}
	}
	reply(w, http.StatusCreated, s.dialect.omitMissing(formStatuses, map[string]any{"status": nil, "status_conditions": nil, "meta_info": nil}))
}

// act returns a handler for an action with an empty response.
func (s *Server) act(do func(record) error) func(http.ResponseWriter, *http.Request, record) {
	return func(w http.ResponseWriter, _ *http.Request, run record) {
		if err := do(run); err != nil {
			s.internalError(w, err)
			return
		}
		reply(w, http.StatusOK, map[string]any{})
	}
}

// bulk returns a handler for an action on several runs.
func (s *Server) bulk(do func(record) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			UUIDs []string `json:"uuids"`
		}
		if !read(w, r, &body) {
			return
		}
		if slices.ContainsFunc(body.UUIDs, func(uuid string) bool { return !s.mayChange(r, uuid) }) {
			forbid(w)
			return
		}
		for _, uuid := range body.UUIDs {
			if run, ok := s.store.run(uuid); ok && run.Project == r.PathValue("project") {
				if err := do(run); err != nil {
					s.internalError(w, err)
					return
				}
			}
		}
		reply(w, http.StatusOK, map[string]any{})
	}
}

func (s *Server) stopRun(run record) error {
	if terminal(run.Status) || run.Status == stopping {
		return nil
	}
	return s.executor.stop(run.UUID)
}

// needsApproval reports whether the operation itself says that it must be approved.
func (r *record) needsApproval() bool {
	var operation struct {
		IsApproved *bool `json:"isApproved"`
	}
	return json.Unmarshal([]byte(r.Content), &operation) == nil && operation.IsApproved != nil && !*operation.IsApproved
}

// approveRun lets a run continue. If its operation says that it must be approved, the
// first approval may only compile it, and the second lets it continue.
func (s *Server) approveRun(run record) error {
	switch {
	case run.Pending == "" || terminal(run.Status) || run.ManagedBy == "user":
		return nil
	case s.dialect.approvedTwice && run.Status == created && run.needsApproval():
		return s.executor.compile(run.UUID, false)
	}
	if err := s.store.change(run.UUID, func(r *record) { r.Pending = "" }); err != nil {
		return err
	}
	return s.executor.compile(run.UUID, run.ManagedBy == "agent")
}

func (s *Server) skipRun(run record) error {
	if run.Pending == "" {
		return nil
	}
	return s.store.set(run.UUID, skipped, "StateManager", "Run is skipped; User requested to skip the run.", false)
}

func (s *Server) resumeRun(w http.ResponseWriter, r *http.Request, run record) {
	if callerOf(r) != nil && run.Pending != "" {
		forbid(w) // it was never approved
		return
	}
	if !terminal(run.Status) {
		reply(w, http.StatusBadRequest, []string{"Cannot resume this run, the run must reach a final state first, current status error: " + run.Status})
		return
	}
	if err := s.store.set(run.UUID, resuming, "ResumeManager", "Run is resuming", true); err != nil {
		s.internalError(w, err)
		return
	}
	if err := s.executor.compile(run.UUID, run.ManagedBy == "agent"); err != nil {
		s.internalError(w, err)
		return
	}
	resumed, _ := s.store.run(run.UUID)
	reply(w, http.StatusCreated, s.dialect.omitMissing(formRun, s.dialect.resumed(resumed, s.options.Namespace)))
}

func (s *Server) getLineage(w http.ResponseWriter, r *http.Request, run record) {
	s.dialect.listed.page(w, r, run.Lineage, len(run.Lineage))
}

func (s *Server) postLineage(w http.ResponseWriter, r *http.Request, run record) {
	var body any
	if !read(w, r, &body) {
		return
	}
	list, ok := body.([]any)
	if m, isMap := body.(map[string]any); isMap {
		list, ok = m["artifacts"].([]any)
	}
	if !ok {
		reply(w, http.StatusBadRequest, []string{"Expected a list of artifacts."})
		return
	}
	if err := s.store.change(run.UUID, func(r *record) { r.Lineage = append(slices.Clone(r.Lineage), list...) }); err != nil {
		s.internalError(w, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
}
