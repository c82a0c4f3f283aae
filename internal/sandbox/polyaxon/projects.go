package polyaxon

import (
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

var slug = lazyregexp.New(`^[-a-zA-Z0-9_]{1,128}$`)

func (s *Server) createProject(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Tags        []string `json:"tags"`
	}
	if !read(w, r, &body) {
		return
	}
	if !slug.MatchString(body.Name) {
		reply(w, http.StatusBadRequest, map[string][]string{"name": {"Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."}})
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.projects[body.Name] != nil {
		reply(w, http.StatusBadRequest, map[string][]string{"name": {"project with this name already exists."}})
		return
	}
	p := &project{UUID: newUUID(), Name: body.Name, Description: body.Description, Tags: body.Tags, CreatedAt: s.options.Now()}
	if err := s.store.save("projects", p.Name, p); err != nil {
		s.internalError(w, err)
		return
	}
	s.store.projects[p.Name] = p
	reply(w, http.StatusCreated, s.dialect.omitMissing(formProject, viewOfProject(p)))
}

// patchProject changes a project's description, tags and name. Its runs move to the new
// name.
func (s *Server) patchProject(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Name        *string  `json:"name"`
		Description *string  `json:"description"`
		Tags        []string `json:"tags"`
	}
	p := s.project(r.PathValue("project"))
	if p == nil {
		notFound(w, "Project")
		return
	}
	if !read(w, r, &body) {
		return
	}
	next := *p
	if body.Description != nil {
		next.Description = *body.Description
	}
	if body.Tags != nil {
		next.Tags = body.Tags
	}
	if body.Name != nil && *body.Name != p.Name {
		if next.Name = *body.Name; !slug.MatchString(next.Name) {
			reply(w, http.StatusBadRequest, map[string][]string{"name": {"Enter a valid “slug” consisting of letters, numbers, underscores or hyphens."}})
			return
		}
		if s.project(next.Name) != nil {
			reply(w, http.StatusBadRequest, map[string][]string{"name": {"project with this name already exists."}})
			return
		}
	}
	if err := s.store.replaceProject(p.Name, &next); err != nil {
		s.internalError(w, err)
		return
	}
	reply(w, http.StatusOK, s.dialect.omitMissing(formProject, viewOfProject(&next)))
}

// transferRun moves a run to another project.
func (s *Server) transferRun(w http.ResponseWriter, r *http.Request, run record) {
	var body struct {
		Project string `json:"project"`
	}
	if !read(w, r, &body) {
		return
	}
	switch from := callerOf(r); {
	case from != nil && body.Project != from.Project:
		forbid(w) // otherwise its token would be valid for that project
		return
	case body.Project == "":
		reply(w, http.StatusBadRequest, []string{"The destination project was not provided."})
		return
	case s.project(body.Project) == nil:
		reply(w, http.StatusBadRequest, []string{"The destination project `" + body.Project + "` does not exist."})
		return
	}
	s.act(func(run record) error {
		return s.store.change(run.UUID, func(r *record) { r.Project = body.Project })
	})(w, r, run)
}

func (s *Server) listProjects(w http.ResponseWriter, r *http.Request) {
	s.store.mu.Lock()
	projects := slices.SortedFunc(maps.Values(s.store.projects), func(a, b *project) int { return strings.Compare(a.Name, b.Name) })
	s.store.mu.Unlock()
	list := make([]any, len(projects))
	for i, p := range projects {
		list[i] = s.dialect.omitMissing(formProject, viewOfProject(p))
	}
	s.dialect.listed.page(w, r, list, len(list))
}

func (s *Server) project(name string) *project {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return s.store.projects[name]
}

func (s *Server) getProject(w http.ResponseWriter, r *http.Request) {
	p := s.project(r.PathValue("project"))
	if p == nil {
		notFound(w, "Project")
		return
	}
	reply(w, http.StatusOK, s.dialect.omitMissing(formProject, viewOfProject(p)))
}

func (s *Server) deleteProject(w http.ResponseWriter, r *http.Request) {
	p := s.project(r.PathValue("project"))
	if p == nil {
		notFound(w, "Project")
		return
	}
	for _, run := range s.store.ofProject(p.Name) {
		if err := s.deleteOne(run); err != nil {
			s.internalError(w, err)
			return
		}
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	delete(s.store.projects, p.Name)
	if err := disk.Remove(filepath.Join(s.store.dir, "projects", p.Name+".json")); err != nil {
		s.internalError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
