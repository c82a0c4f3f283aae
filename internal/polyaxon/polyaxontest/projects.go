package polyaxontest

import (
	"slices"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// projects creates projects, deletes them, and creates one again by the name of a deleted
// one.
func (s *suite) projects(t *testing.T) {
	t.Helper()
	c := s.Client
	installation, err := c.Installation(s.ctx)
	must(t, err)
	if installation.Version != s.Version || installation.Dist != "ce" {
		t.Errorf("the server says it is version %s, %s", installation.Version, installation.Dist)
	}
	must(t, c.EnsureProject(s.ctx, project))
	must(t, c.EnsureProject(s.ctx, project))
	if told, err := c.Project(s.ctx, project); err != nil || told.Name != project {
		t.Errorf("the project is %+v, %v", told, err)
	}
	for range 2 {
		must(t, c.EnsureProject(s.ctx, "acme_Repo-1"))
		all, err := c.Projects(s.ctx)
		must(t, err)
		if !slices.ContainsFunc(all, func(p polyaxon.Project) bool { return p.Name == "acme_Repo-1" }) {
			t.Errorf("the projects are %+v", all)
		}
		must(t, c.DeleteProject(s.ctx, "acme_Repo-1"))
		must(t, c.DeleteProject(s.ctx, "acme_Repo-1")) // deleting it again is not an error
		if _, err := c.Project(s.ctx, "acme_Repo-1"); !polyaxon.IsNotFound(err) {
			t.Errorf("a deleted project: %v", err)
		}
	}
	if err := c.EnsureProject(s.ctx, "two words"); err == nil {
		t.Error("a project is called two words")
	}
}
