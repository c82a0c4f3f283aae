package polyaxon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
)

// createBody is what a client sends to make a run.
type createBody struct {
	Content     json.RawMessage `json:"content"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Tags        json.RawMessage `json:"tags"`
	MetaInfo    map[string]any  `json:"meta_info"`
	IsManaged   *bool           `json:"is_managed"`
	ManagedBy   string          `json:"managed_by"`
	Pending     string          `json:"pending"`
}

func (s *Server) createRun(w http.ResponseWriter, r *http.Request) {
	p := s.project(r.PathValue("project"))
	if p == nil {
		notFound(w, "Project")
		return
	}
	var body createBody
	if !read(w, r, &body) {
		return
	}
	var content string
	switch {
	case len(body.Content) == 0 || string(body.Content) == "null" || string(body.Content) == `""`:
		reply(w, http.StatusBadRequest, map[string][]string{"non_field_errors": {"Run expects a `content`."}})
		return
	case json.Unmarshal(body.Content, &content) != nil:
		reply(w, http.StatusBadRequest, map[string][]string{"content": {"Not a valid string."}})
		return
	case body.Name != "" && !slug.MatchString(body.Name):
		reply(w, http.StatusBadRequest, map[string][]string{"name": {"Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."}})
		return
	case body.Pending != "" && !slices.Contains([]string{"approval", "upload", "cache", "build"}, body.Pending):
		reply(w, http.StatusBadRequest, map[string][]string{"pending": {strconv.Quote(body.Pending) + " is not a valid choice."}})
		return
	}
	managed := "agent"
	switch {
	case body.ManagedBy != "":
		managed = body.ManagedBy
	case body.IsManaged != nil && !*body.IsManaged:
		managed = "user"
	}
	run := &record{
		Project: p.Name, Name: body.Name, Description: body.Description, MetaInfo: body.MetaInfo, ManagedBy: managed,
		Pending: body.Pending, RawContent: content,
	}
	_ = json.Unmarshal(body.Tags, &run.Tags) // servers take any shape
	s.make(w, run)
}

// make compiles and queues a new run and answers with it.
func (s *Server) make(w http.ResponseWriter, run *record) {
	operation, err := polyaxonfile.Compile([]byte(run.RawContent), polyaxonfile.Newest())
	if err != nil {
		var invalid *polyaxonfile.InvalidError
		if errors.As(err, &invalid) {
			reply(w, http.StatusBadRequest, invalid.Messages)
			return
		}
		reply(w, http.StatusBadRequest, []string{err.Error()})
		return
	}
	if kind := operation.Schedule(); kind != "" {
		reply(w, http.StatusBadRequest, []string{fmt.Sprintf(
			"You cannot create this operation. This can happen if the sandbox of this version of slipway does not support operations of kind: %s", kind)})
		return
	}
	now := s.options.Now()
	run.UUID, run.CreatedAt, run.UpdatedAt = newUUID(), now, now
	run.Kind, run.Runtime = operation.Kind, operation.Kind
	if run.Name == "" {
		run.Name = operation.Name
	}
	if run.Kind != "service" {
		run.Kind = "job"
	}
	run.Content = string(operation.JSON())
	if run.unapproved() {
		run.Pending = "approval"
	}
	run.set(created, "OperationServiceInit", "Run is created", false, now)
	if err := s.store.add(run); err != nil {
		s.broken(w, err)
		return
	}
	if run.ManagedBy != "user" && (run.Pending == "" || run.Pending == "upload") {
		if err := s.executor.compile(run.UUID, run.ManagedBy == "agent" && run.Pending == ""); err != nil {
			s.broken(w, err)
			return
		}
	}
	reply(w, http.StatusCreated, map[string]any{
		"uuid": run.UUID, "kind": run.Kind, "name": run.Name, "description": run.Description, "content": run.Content,
		"is_managed": run.ManagedBy == "agent", "managed_by": run.ManagedBy, "pending": null(run.Pending), "meta_info": run.MetaInfo,
		"tags": run.Tags, "settings": nil, "original": run.Original,
	})
}

func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// view is a run as servers tell it.
func view(r record, whole bool) map[string]any {
	v := map[string]any{
		"uuid": r.UUID, "name": r.Name, "owner": owner, "project": r.Project, "kind": r.Kind, "runtime": r.Runtime, "status": r.Status,
		"pending": null(r.Pending), "is_managed": r.ManagedBy == "agent", "managed_by": r.ManagedBy, "meta_info": r.MetaInfo, "tags": r.Tags,
		"inputs": r.Inputs, "outputs": r.Outputs, "original": r.Original, "description": null(r.Description), "live_state": 1,
		"created_at": stamp(r.CreatedAt), "updated_at": stamp(r.UpdatedAt), "started_at": stamp(r.StartedAt), "finished_at": stamp(r.FinishedAt),
		"duration": nil, "wait_time": nil,
	}
	if r.Deleted {
		v["live_state"] = -1
	}
	if !r.StartedAt.IsZero() {
		v["wait_time"] = r.StartedAt.Sub(r.CreatedAt).Seconds()
		if !r.FinishedAt.IsZero() {
			v["duration"] = r.FinishedAt.Sub(r.StartedAt).Seconds()
		}
	}
	if whole {
		v["content"], v["raw_content"] = r.Content, r.RawContent
	}
	return v
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}

func (s *Server) getRun(w http.ResponseWriter, _ *http.Request, run record) {
	reply(w, http.StatusOK, view(run, true))
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request) {
	if s.project(r.PathValue("project")) == nil {
		notFound(w, "Project")
		return
	}
	query := r.URL.Query()
	match, err := parseQuery(query.Get("query"))
	if err != nil {
		reply(w, http.StatusBadRequest, []string{"Error applying or resolving queryset, " + err.Error()})
		return
	}
	var found []record
	for _, run := range s.store.ofProject(r.PathValue("project")) {
		if match(run) {
			found = append(found, run)
		}
	}
	if sort := query.Get("sort"); sort == "created_at" || sort == "updated_at" {
		slices.Reverse(found)
	}
	limit, offset := 20, 0
	if n, err := strconv.Atoi(query.Get("limit")); err == nil {
		if limit = n; n <= 0 {
			limit = 100
		}
	}
	if n, err := strconv.Atoi(query.Get("offset")); err == nil {
		offset = max(0, n)
	}
	results := []any{}
	for i := offset; i < len(found) && len(results) < limit; i++ {
		results = append(results, view(found[i], false))
	}
	reply(w, http.StatusOK, page(len(found), results))
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
	err := s.store.change(run.UUID, func(r *record) {
		r.Inputs, r.Outputs, r.MetaInfo = merge(r.Inputs, body.Inputs), merge(r.Outputs, body.Outputs), merge(r.MetaInfo, body.MetaInfo)
		if body.Name != nil {
			r.Name = *body.Name
		}
		if body.Description != nil {
			r.Description = *body.Description
		}
		if body.Tags != nil {
			r.Tags = body.Tags
		}
	})
	if err != nil {
		s.broken(w, err)
		return
	}
	changed, _ := s.store.run(run.UUID)
	reply(w, http.StatusOK, view(changed, true))
}

func (s *Server) deleteRun(w http.ResponseWriter, r *http.Request) {
	if run, ok := s.store.run(r.PathValue("uuid")); ok {
		if err := s.deleteOne(run); err != nil {
			s.broken(w, err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) deleteOne(run record) error {
	if err := s.stopRun(run); err != nil {
		return err
	}
	return s.store.change(run.UUID, func(r *record) { r.Deleted = true })
}

// getStatuses tells nothing of a run that was deleted, as 2.18.
func (s *Server) getStatuses(w http.ResponseWriter, _ *http.Request, run record) {
	if run.Deleted {
		notFound(w, "Run")
		return
	}
	reply(w, http.StatusOK, map[string]any{"uuid": run.UUID, "status": run.Status, "status_conditions": run.Conditions, "meta_info": run.MetaInfo})
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
			s.nothing(w, r)
			return
		}
		reason, _ := body.Condition["reason"].(string)
		message, _ := body.Condition["message"].(string)
		if err := s.store.set(run.UUID, status, reason, message, body.Force); err != nil {
			s.broken(w, err)
			return
		}
	}
	reply(w, http.StatusCreated, map[string]any{"status": nil, "status_conditions": nil, "meta_info": nil})
}

// act makes a handler of an action that answers nothing.
func (s *Server) act(do func(record) error) func(http.ResponseWriter, *http.Request, record) {
	return func(w http.ResponseWriter, _ *http.Request, run record) {
		if err := do(run); err != nil {
			s.broken(w, err)
			return
		}
		reply(w, http.StatusOK, map[string]any{})
	}
}

// bulk makes a handler of an action on several runs.
func (s *Server) bulk(do func(record) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			UUIDs []string `json:"uuids"`
		}
		if !read(w, r, &body) {
			return
		}
		for _, uuid := range body.UUIDs {
			if run, ok := s.store.run(uuid); ok && run.Project == r.PathValue("project") {
				if err := do(run); err != nil {
					s.broken(w, err)
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

// unapproved tells whether the operation itself says that it must be approved.
func (r *record) unapproved() bool {
	var operation struct {
		IsApproved *bool `json:"isApproved"`
	}
	return json.Unmarshal([]byte(r.Content), &operation) == nil && operation.IsApproved != nil && !*operation.IsApproved
}

// approveRun lets a run go on. One whose operation says that it must be approved is
// only compiled at the first time, and goes on at the second.
func (s *Server) approveRun(run record) error {
	switch {
	case run.Pending == "" || terminal(run.Status) || run.ManagedBy == "user":
		return nil
	case run.Status == created && run.unapproved():
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

// clone makes a handler that makes a new run of a run's operation.
func (s *Server) clone(kind string) func(http.ResponseWriter, *http.Request, record) {
	return func(w http.ResponseWriter, r *http.Request, run record) {
		var body createBody
		if !read(w, r, &body) {
			return
		}
		next := &record{
			Project: run.Project, Name: run.Name, Description: run.Description, Tags: run.Tags, MetaInfo: body.MetaInfo, ManagedBy: run.ManagedBy,
			RawContent: run.RawContent, Original: &original{UUID: run.UUID, Name: run.Name, Kind: kind},
		}
		if body.Name != "" {
			next.Name = body.Name
		}
		_ = json.Unmarshal(body.Tags, &next.Tags)
		if len(body.Content) > 0 && string(body.Content) != "null" {
			var preset string
			if json.Unmarshal(body.Content, &preset) != nil {
				preset = string(body.Content) // an object is taken too
			}
			patched, err := polyaxonfile.Patch([]byte(run.RawContent), []byte(preset))
			if err != nil {
				reply(w, http.StatusBadRequest, []string{"Cloning was not successful, error: " + err.Error()})
				return
			}
			next.RawContent = string(patched)
		}
		s.make(w, next)
	}
}

func (s *Server) resumeRun(w http.ResponseWriter, _ *http.Request, run record) {
	if !terminal(run.Status) {
		reply(w, http.StatusBadRequest, []string{"Cannot resume this run, the run must reach a final state first, current status error: " + run.Status})
		return
	}
	if err := s.store.set(run.UUID, resuming, "ResumeManager", "Run is resuming", true); err != nil {
		s.broken(w, err)
		return
	}
	if err := s.executor.compile(run.UUID, run.ManagedBy == "agent"); err != nil {
		s.broken(w, err)
		return
	}
	resumed, _ := s.store.run(run.UUID)
	reply(w, http.StatusCreated, view(resumed, true))
}

func (s *Server) getLineage(w http.ResponseWriter, _ *http.Request, run record) {
	list := run.Lineage
	if list == nil {
		list = []any{}
	}
	reply(w, http.StatusOK, page(len(list), list))
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
		s.broken(w, err)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// parseQuery reads `status:running|queued,name:train,meta_info.key:~value`.
func parseQuery(text string) (func(record) bool, error) {
	var all []func(record) bool
	for _, term := range strings.Split(text, ",") {
		if strings.TrimSpace(term) == "" {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(term), ":")
		if !ok {
			return nil, fmt.Errorf("Expression is not valid, it must be formatted as name:operation, received `%s`", term) //nolint:staticcheck // the server's words
		}
		field, err := queryField(key)
		if err != nil {
			return nil, err
		}
		negated := strings.HasPrefix(value, "~")
		values := strings.Split(strings.TrimPrefix(value, "~"), "|")
		all = append(all, func(r record) bool {
			matched := slices.ContainsFunc(values, func(v string) bool { return matches(field(r), v) })
			return matched != negated
		})
	}
	return func(r record) bool {
		return !slices.ContainsFunc(all, func(match func(record) bool) bool { return !match(r) })
	}, nil
}

func queryField(key string) (func(record) string, error) {
	if name, ok := strings.CutPrefix(key, "meta_info."); ok {
		return func(r record) string {
			value, ok := r.MetaInfo[name]
			if !ok {
				return "\x00"
			}
			return fmt.Sprint(value)
		}, nil
	}
	fields := map[string]func(record) string{
		"status": func(r record) string { return r.Status }, "name": func(r record) string { return r.Name },
		"uuid": func(r record) string { return r.UUID }, "kind": func(r record) string { return r.Kind },
		"runtime": func(r record) string { return r.Runtime }, "description": func(r record) string { return r.Description },
		"managed_by": func(r record) string { return r.ManagedBy },
	}
	if field, ok := fields[key]; ok {
		return field, nil
	}
	return nil, fmt.Errorf("key `%s` is not supported by the query manager `run`", key)
}

// matches compares with % standing for anything at either end.
func matches(text, pattern string) bool {
	middle := strings.Trim(pattern, "%")
	before, after := strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	switch {
	case before && after:
		return strings.Contains(text, middle)
	case before:
		return strings.HasSuffix(text, middle)
	case after:
		return strings.HasPrefix(text, middle)
	}
	return text == pattern
}
