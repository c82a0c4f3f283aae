package polyaxon

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
)

// createBody is the body of a request to create a run.
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
	var tags []string
	tagged := json.Unmarshal(body.Tags, &tags) == nil || len(body.Tags) == 0
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
	case !tagged && s.dialect.checksTags:
		reply(w, http.StatusBadRequest, map[string][]string{"tags": {`Expected a list of items but got type "str".`}})
		return
	case body.Pending != "" && !slices.Contains([]string{"approval", "upload", "cache", "build"}, body.Pending):
		reply(w, http.StatusBadRequest, map[string][]string{"pending": {strconv.Quote(body.Pending) + " is not a valid choice."}})
		return
	}
	run := &record{
		Project: p.Name, Name: body.Name, Description: body.Description, MetaInfo: body.MetaInfo, ManagedBy: s.dialect.manager(&body),
		Pending: body.Pending, RawContent: content, Tags: tags,
	}
	s.createFrom(w, r, run)
}

// createFrom creates a run, compiles and queues it, and responds with it.
func (s *Server) createFrom(w http.ResponseWriter, r *http.Request, run *record) {
	if from := callerOf(r); from != nil {
		run.Grants, run.Submitter = s.executor.grants(from), from.UUID
	}
	run.MetaInfo = withMarks(r, nil, run.MetaInfo)
	operation, refused := s.dialect.operation(run.RawContent)
	if refused == nil && operation.Joins() {
		refused = unsupported("joins")
	}
	if refused != nil {
		reply(w, http.StatusBadRequest, refused)
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
	if run.needsApproval() {
		run.Pending = "approval"
	}
	run.set(created, "OperationServiceInit", "Run is created", false, now)
	if err := s.store.add(run); err != nil {
		s.internalError(w, err)
		return
	}
	if run.ManagedBy != "user" && (run.Pending == "" || run.Pending == "upload" && s.dialect.compilesPending) {
		if err := s.executor.compile(run.UUID, run.ManagedBy == "agent" && run.Pending == ""); err != nil {
			s.internalError(w, err)
			return
		}
	}
	made, _ := s.store.run(run.UUID)
	if run.Original != nil {
		reply(w, http.StatusCreated, s.dialect.omitMissing(formCreated, s.dialect.cloned(made, s.options.Namespace)))
		return
	}
	reply(w, http.StatusCreated, s.dialect.omitMissing(formCreated, viewOfCreated(made)))
}

// unsupported is the error for an operation of a kind that the sandbox does not run.
func unsupported(kind string) []string {
	return []string{"You cannot create this operation. This can happen if the sandbox of this version of slipway does not support operations of kind: " + kind}
}

// clone returns a handler that creates a new run from a run's operation.
func (s *Server) clone(kind string) func(http.ResponseWriter, *http.Request, record) {
	return func(w http.ResponseWriter, r *http.Request, run record) {
		var body createBody
		if !read(w, r, &body) {
			return
		}
		next := &record{
			Project: run.Project, Name: run.Name, Description: run.Description, Tags: slices.Clone(run.Tags), MetaInfo: body.MetaInfo, ManagedBy: run.ManagedBy,
			RawContent: run.RawContent, Original: &original{UUID: run.UUID, Name: run.Name, Kind: kind},
		}
		if body.Name != "" {
			next.Name = body.Name
		}
		_ = json.Unmarshal(body.Tags, &next.Tags)
		if len(body.Content) > 0 && string(body.Content) != "null" {
			var preset string
			if json.Unmarshal(body.Content, &preset) != nil {
				preset = string(body.Content) // an object is accepted too
			}
			patched, err := compose.Patch([]byte(run.RawContent), []byte(preset))
			if err != nil {
				reply(w, http.StatusBadRequest, []string{"Cloning was not successful, error: " + err.Error()})
				return
			}
			next.RawContent = string(patched)
		}
		next.Grants = run.Grants
		s.createFrom(w, r, next)
	}
}
