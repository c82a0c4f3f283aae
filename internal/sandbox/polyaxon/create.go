package polyaxon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

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
	s.make(w, r, run)
}

// make compiles and queues a new run and answers with it.
func (s *Server) make(w http.ResponseWriter, r *http.Request, run *record) {
	if from := callerOf(r); from != nil {
		run.Grants = s.executor.grants(from)
	}
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
	kind := operation.Schedule()
	if kind == "" && operation.Joins() {
		kind = "joins"
	}
	if kind != "" {
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
	made, _ := s.store.run(run.UUID)
	if run.Original != nil {
		reply(w, http.StatusCreated, viewOfItem(made, s.options.Namespace))
		return
	}
	reply(w, http.StatusCreated, viewOfMade(made))
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
		next.Grants = run.Grants
		s.make(w, r, next)
	}
}
