package checker

import (
	"errors"
	"io/fs"
	"os"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Target is one Polyaxonfile to check, and the jobs and services that use it.
type Target struct {
	path      string
	component string // the name of a component that ships with slipway, instead of path
	jobs      []*config.Job
}

// TargetOf returns the Target for the Polyaxonfile or component of one job.
func TargetOf(p *project.Project, j *config.Job) Target {
	if j.Component != "" {
		return Target{component: j.Component, jobs: []*config.Job{j}}
	}
	return Target{path: p.File(j.Polyaxonfile), jobs: []*config.Job{j}}
}

// name returns the name of the target in error messages.
func (t *Target) name() string {
	if t.component != "" {
		return "component " + t.component
	}
	return t.path
}

// guarded calls check and returns its results. It turns a panic into an error, so that
// the other files are still checked.
func (t *Target) guarded(check func() ([]report.Problem, error)) (found []report.Problem, err error) {
	err = panics.Catch(t.name(), func() (err error) {
		found, err = check()
		return err
	})
	return found, err
}

// Targets returns a Target for each Polyaxonfile that names lead to, without duplicates
// and in order. A name is a file or a directory to search. Without names, they are the
// Polyaxonfiles of all jobs and services or, if there is no slipway.yaml, all
// Polyaxonfiles below the directory. Errors are *source.Error.
func (c *Checker) Targets(names []string) ([]Target, error) {
	if len(names) == 0 && c.Project != nil {
		return targetsOf(c.Project), nil
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var all []Target
	seen := map[string]bool{}
	for _, name := range names {
		if _, err := os.Stat(c.ResolvePath(name)); errors.Is(err, fs.ErrNotExist) {
			return nil, &source.Error{Position: source.Position{File: name}, Message: "the Polyaxonfile or directory does not exist", Err: err}
		}
		files, err := polyaxonfiles(c.ResolvePath(name))
		if err != nil {
			return nil, &source.Error{Position: source.Position{File: name}, Message: "cannot be searched: " + err.Error(), Err: err}
		}
		for _, file := range files {
			if file = project.DisplayPath(file); !seen[file] {
				seen[file] = true
				all = append(all, Target{path: file, jobs: jobsOf(c.Project, file)})
			}
		}
	}
	return all, nil
}

// targetsOf returns the targets of all jobs and services, one per Polyaxonfile or
// component.
func targetsOf(p *project.Project) []Target {
	var all []Target
	index := map[string]int{}
	for _, j := range append(p.Jobs(), p.Services()...) {
		t := Target{component: j.Component}
		if j.Component == "" {
			t.path = p.File(j.Polyaxonfile)
		}
		key := t.component + "\x00" + t.path
		if _, seen := index[key]; !seen {
			index[key] = len(all)
			all = append(all, t)
		}
		all[index[key]].jobs = append(all[index[key]].jobs, j)
	}
	return all
}

// jobsOf returns the jobs and services that use the Polyaxonfile at path.
func jobsOf(p *project.Project, path string) []*config.Job {
	if p == nil {
		return nil
	}
	var jobs []*config.Job
	for _, j := range append(p.Jobs(), p.Services()...) {
		if j.Polyaxonfile != "" && p.File(j.Polyaxonfile) == path {
			jobs = append(jobs, j)
		}
	}
	return jobs
}
