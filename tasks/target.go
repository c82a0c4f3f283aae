package tasks

import (
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// target is one Polyaxonfile to check, and the jobs that are made of it.
type target struct {
	path      string
	component string // a component that ships, instead of path
	jobs      []*config.Job
}

// name is how errors call it.
func (t *target) name() string {
	if t.component != "" {
		return "component " + t.component
	}
	return t.path
}

// guarded gives what check finds, or its panic: the other files are checked all the
// same.
func (t *target) guarded(check func() ([]report.Problem, error)) (found []report.Problem, err error) {
	err = panics.Catch(t.name(), func() (err error) {
		found, err = check()
		return err
	})
	return found, err
}

// targets gives the Polyaxonfiles that names mean, each once, in order.
func (e *Env) targets(p *project, names []string) ([]target, error) {
	if len(names) == 0 && p != nil {
		return p.targets(), nil
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var all []target
	seen := map[string]bool{}
	for _, name := range names {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(e.Dir, name)
		}
		files, err := polyaxonfiles(path)
		if err != nil {
			return nil, &source.Error{Position: source.Position{File: name}, Message: "cannot be looked through: " + err.Error(), Err: err}
		}
		for _, file := range files {
			if file = shown(file); !seen[file] {
				seen[file] = true
				all = append(all, target{path: file, jobs: p.jobsOf(file)})
			}
		}
	}
	return all, nil
}

func (p *project) targets() []target {
	var all []target
	index := map[string]int{}
	for _, j := range append(p.jobList(), p.serviceList()...) {
		t := target{component: j.Component}
		if j.Component == "" {
			t.path = p.file(j.Polyaxonfile)
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

// jobsOf gives the jobs and services that name a Polyaxonfile.
func (p *project) jobsOf(path string) []*config.Job {
	if p == nil {
		return nil
	}
	var jobs []*config.Job
	for _, j := range append(p.jobList(), p.serviceList()...) {
		if j.Polyaxonfile != "" && p.file(j.Polyaxonfile) == path {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

func (p *project) jobList() []*config.Job     { return values(p.config.Jobs) }
func (p *project) serviceList() []*config.Job { return values(p.config.Services) }

func values(m map[string]*config.Job) []*config.Job {
	var list []*config.Job
	for _, name := range sorted(m) {
		list = append(list, m[name])
	}
	return list
}
