package polyaxon111

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// run is a run as it is kept. Server.mu guards all that changes.
type run struct {
	uuid, project, name, description string
	kind, raw, content               string
	status, pending                  string
	managed                          bool
	tags                             []string
	meta, inputs, outputs            map[string]any
	conditions                       []map[string]any
	created, updated                 time.Time
	started, finished                time.Time
	// job is when the operator had made the run's job.
	job      time.Time
	original map[string]any
	lineage  []any
	// cancel ends its process, nil when it has none; port is where a service listens.
	cancel context.CancelFunc
	port   int
	// live are the lines of a run whose pod is still there.
	live []line
}

func (r *run) stop() {
	if r.cancel != nil {
		r.cancel()
	}
}

func terminal(status string) bool {
	return slices.Contains([]string{"succeeded", "failed", "upstream_failed", "stopped", "skipped"}, status)
}

// set adds a condition where the server's rules let it.
func (r *run) set(status, reason, message string, force bool) {
	now := time.Now()
	if !force && (terminal(r.status) || r.status == "stopping" && !terminal(status)) || r.status == status {
		return
	}
	r.status, r.updated = status, now
	r.conditions = append(r.conditions, map[string]any{
		"type": status, "status": "True", "reason": reason, "message": message, "last_update_time": stamp(now), "last_transition_time": stamp(r.transition(status, now)),
	})
	switch {
	case (status == "starting" || status == "running") && r.started.IsZero():
		r.started = now
	case terminal(status):
		r.finished = now
	}
}

// transition gives the time that a condition says it came at: the operator gives all
// that follows `starting`, which says that it has made the job, the time of that.
func (r *run) transition(status string, now time.Time) time.Time {
	switch status {
	case "starting", "resuming", "scheduled", "queued":
		r.job = time.Time{}
	}
	if status == "starting" {
		r.job = now
	}
	if status == "stopping" || r.job.IsZero() { // the server's own word
		return now
	}
	return r.job
}

type createBody struct {
	Content     json.RawMessage
	Name        string
	Description string
	Tags        json.RawMessage
	MetaInfo    map[string]any `json:"meta_info"`
	IsManaged   *bool          `json:"is_managed"`
	Pending     string
}

// createRun compiles, and talks to Kubernetes, before it answers.
func (s *Server) createRun(w http.ResponseWriter, r *http.Request, p *project) {
	var body createBody
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"detail": "JSON parse error - " + err.Error()})
		return
	}
	var content string
	var tags []string
	switch {
	case len(body.Content) == 0 || string(body.Content) == "null" || string(body.Content) == `""`:
		recorded("no-content")(w, r)
		return
	case json.Unmarshal(body.Content, &content) != nil:
		recorded("content-no-text")(w, r)
		return
	case body.Name != "" && !slug.MatchString(body.Name):
		recorded("name")(w, r)
		return
	case len(body.Tags) > 0 && json.Unmarshal(body.Tags, &tags) != nil:
		recorded("tags")(w, r)
		return
	case body.Pending != "" && !slices.Contains([]string{"approval", "upload", "cache", "build"}, body.Pending):
		reply(w, http.StatusBadRequest, map[string][]string{"pending": {strconv.Quote(body.Pending) + " is not a valid choice."}})
		return
	}
	next := &run{project: p.Name, name: body.Name, description: body.Description, tags: tags, meta: body.MetaInfo, pending: body.Pending,
		managed: body.IsManaged == nil || *body.IsManaged, raw: content}
	s.make(w, r, next)
}

// make keeps a new run and answers with it, without status, owner, project and kind.
func (s *Server) make(w http.ResponseWriter, r *http.Request, next *run) {
	o, ok := parse(w, r, next.raw)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.uuid, next.created, next.kind = newUUID(), time.Now(), o.kind
	if next.kind != "service" {
		next.kind = "job"
	}
	if next.name == "" {
		next.name = o.name
	}
	if approved, ok := o.root["isApproved"].(bool); ok && !approved {
		next.pending = "approval"
	}
	next.content = next.raw
	next.set("created", "OperationServiceInit", "Run is created", false)
	s.runs[next.uuid] = next
	if next.pending == "" {
		s.schedule(next)
	}
	answer := map[string]any{"uuid": next.uuid, "name": next.name, "description": next.description, "content": next.content, "is_managed": next.managed,
		"pending": null(next.pending), "meta_info": next.meta, "tags": next.tags}
	if next.original != nil {
		answer["original"] = next.original
	}
	reply(w, http.StatusCreated, answer)
}

func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// view is a run as the server tells it.
func view(r *run, whole bool) map[string]any {
	v := map[string]any{
		"uuid": r.uuid, "name": r.name, "owner": "default", "project": r.project, "kind": r.kind, "runtime": null(r.kind), "status": r.status,
		"pending": null(r.pending), "is_managed": r.managed, "meta_info": r.meta, "tags": r.tags, "inputs": r.inputs, "outputs": r.outputs,
		"original": r.original, "description": r.description, "created_at": stamp(r.created), "updated_at": stamp(r.updated),
		"started_at": stamp(r.started), "finished_at": stamp(r.finished), "wait_time": nil, "duration": nil,
	}
	if whole {
		v["content"], v["raw_content"] = r.content, r.raw
	}
	return v
}

// ofRun gives a handler its run, holding the lock.
func (s *Server) ofRun(handle func(http.ResponseWriter, *http.Request, *run)) http.HandlerFunc {
	return s.inProject(func(w http.ResponseWriter, r *http.Request, p *project) {
		s.mu.Lock()
		defer s.mu.Unlock()
		found := s.runs[strings.ReplaceAll(r.PathValue("uuid"), "-", "")]
		if found == nil || found.project != p.Name {
			notFound(w, "Run")
			return
		}
		handle(w, r, found)
	})
}

func (s *Server) getRun(w http.ResponseWriter, _ *http.Request, r *run) {
	reply(w, http.StatusOK, view(r, true))
}

func (s *Server) patchRun(w http.ResponseWriter, request *http.Request, r *run) {
	var body struct {
		Name, Description *string
		Tags              []string
		Inputs, Outputs   map[string]any
		MetaInfo          map[string]any `json:"meta_info"`
		Merge             bool
	}
	if err := json.NewDecoder(request.Body).Decode(&body); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"detail": "JSON parse error - " + err.Error()})
		return
	}
	for over, into := range map[*map[string]any]*map[string]any{&body.Inputs: &r.inputs, &body.Outputs: &r.outputs, &body.MetaInfo: &r.meta} {
		if *over != nil && body.Merge {
			*into = lay(*into, *over)
		} else if *over != nil {
			*into = *over
		}
	}
	if body.Name != nil {
		r.name = *body.Name
	}
	if body.Description != nil {
		r.description = *body.Description
	}
	if body.Tags != nil {
		r.tags = body.Tags
	}
	reply(w, http.StatusOK, view(r, true))
}

// deleteRun: what a second DELETE answers was not recorded.
func (s *Server) deleteRun(w http.ResponseWriter, _ *http.Request, r *run) {
	r.stop()
	delete(s.runs, r.uuid)
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) getStatuses(w http.ResponseWriter, _ *http.Request, r *run) {
	reply(w, http.StatusOK, map[string]any{"uuid": r.uuid, "status": r.status, "status_conditions": r.conditions})
}

func (s *Server) postStatus(w http.ResponseWriter, request *http.Request, r *run) {
	var body struct {
		Condition struct{ Type, Reason, Message string }
		Force     bool
	}
	known := []string{"on_schedule", "resuming", "compiled", "queued", "scheduled", "starting", "running", "processing", "stopping", "warning",
		"unschedulable", "retrying", "unknown", "succeeded", "failed", "upstream_failed", "stopped", "skipped", "done", "created"}
	if json.NewDecoder(request.Body).Decode(&body) != nil || !slices.Contains(known, body.Condition.Type) {
		recorded("exception")(w, request)
		return
	}
	r.set(body.Condition.Type, body.Condition.Reason, body.Condition.Message, body.Force)
	recorded("status-posted")(w, request)
}

func (s *Server) stopRun(w http.ResponseWriter, _ *http.Request, r *run) {
	switch {
	case terminal(r.status):
	case r.cancel == nil:
		r.set("stopped", "StateManager", "Run is stopped; User requested to stop the run.", false)
	default:
		r.set("stopping", "StateManager", "Run is stopping; User requested to stop the run.", false)
		r.stop()
	}
	reply(w, http.StatusOK, map[string]any{})
}

func (s *Server) approveRun(w http.ResponseWriter, _ *http.Request, r *run) {
	if r.pending != "" && !terminal(r.status) {
		r.pending = ""
		s.schedule(r)
	}
	reply(w, http.StatusOK, map[string]any{})
}

// clone makes a handler that makes a run of a run's operation.
func (s *Server) clone(kind string) func(http.ResponseWriter, *http.Request, *run) {
	return func(w http.ResponseWriter, request *http.Request, r *run) {
		var body createBody
		_ = json.NewDecoder(request.Body).Decode(&body)
		next := &run{project: r.project, name: r.name, description: r.description, tags: r.tags, meta: body.MetaInfo, managed: true, raw: r.raw,
			original: map[string]any{"uuid": r.uuid, "name": r.name, "kind": kind}}
		if body.Name != "" {
			next.name = body.Name
		}
		if len(body.Content) > 0 {
			var err error
			if next.raw, err = preset(r.raw, body.Content); err != nil {
				reply(w, http.StatusBadRequest, []string{"Cloning was not successful, error: " + err.Error()})
				return
			}
		}
		s.mu.Unlock()
		s.make(w, request, next)
		s.mu.Lock()
	}
}

func (s *Server) resumeRun(w http.ResponseWriter, _ *http.Request, r *run) {
	if !terminal(r.status) {
		reply(w, http.StatusBadRequest, []string{"Cannot resume this run, the run must reach a final state first, current status error: " + r.status})
		return
	}
	r.set("resuming", "ResumeManager", "Run is resuming", true)
	s.schedule(r)
	reply(w, http.StatusCreated, view(r, true))
}

func (s *Server) getLineage(w http.ResponseWriter, request *http.Request, r *run) {
	limit, offset := window(request)
	page(w, request, r.lineage, limit, offset)
}

func (s *Server) postLineage(w http.ResponseWriter, request *http.Request, r *run) {
	var body any
	_ = json.NewDecoder(request.Body).Decode(&body)
	list, ok := body.([]any)
	if m, isMap := body.(map[string]any); isMap {
		list, ok = m["artifacts"].([]any)
	}
	if !ok {
		recorded("exception")(w, request)
		return
	}
	r.lineage = append(r.lineage, list...)
	w.WriteHeader(http.StatusCreated)
}

// window reads limit, 100 at most, and offset.
func window(r *http.Request) (limit, offset int) {
	limit = 20
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil && n > 0 {
		limit = min(n, 100)
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("offset")); err == nil && n > 0 {
		offset = n
	}
	return limit, offset
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, p *project) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*run
	for _, one := range s.runs {
		if one.project != p.Name {
			continue
		}
		ok, known := matches(one, r.URL.Query().Get("query"))
		if !known {
			recorded("query")(w, r)
			return
		}
		if ok {
			found = append(found, one)
		}
	}
	if _, known := matches(&run{}, r.URL.Query().Get("query")); !known {
		recorded("query")(w, r)
		return
	}
	field, descending := strings.CutPrefix(r.URL.Query().Get("sort"), "-")
	if field == "" {
		field, descending = "updated_at", true
	}
	sort.Slice(found, func(i, j int) bool {
		a, b := found[i].updated, found[j].updated
		if field == "created_at" {
			a, b = found[i].created, found[j].created
		}
		return a.Before(b) != descending && !a.Equal(b)
	})
	all := make([]any, len(found))
	for i, one := range found {
		all[i] = view(one, false)
	}
	limit, offset := window(r)
	page(w, r, all, limit, offset)
}

// matches tells whether a run matches a query, and whether the query's keys are
// known.
func matches(r *run, query string) (ok, known bool) {
	ok = true
	for term := range strings.SplitSeq(query, ",") {
		if term == "" {
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSpace(term), ":")
		var have []string
		if name, isMeta := strings.CutPrefix(key, "meta_info."); isMeta {
			if told, is := r.meta[name]; is {
				have = []string{fmt.Sprint(told)}
			}
		} else {
			switch key {
			case "status":
				have = []string{r.status}
			case "name":
				have = []string{r.name}
			case "uuid":
				have = []string{r.uuid}
			case "kind":
				have = []string{r.kind}
			case "tags": // an array in PostgreSQL, which can be searched
				have = r.tags
			default:
				return false, false
			}
		}
		value, negated := strings.CutPrefix(value, "~")
		ok = ok && slices.ContainsFunc(strings.Split(value, "|"), func(v string) bool { return slices.Contains(have, v) }) != negated
	}
	return ok, true
}
