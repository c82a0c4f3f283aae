package config

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Reference is a param that takes its value from a run of another job, in
// Polyaxon's words: {ref: ops.train, value: outputs.best}.
type Reference struct {
	// Job is the one whose run it is.
	Job string
	// From is "outputs" or "inputs", Name that of the value.
	From, Name string
}

// String returns the reference as a template would have it.
func (r Reference) String() string {
	return "{{ ops." + r.Job + "." + r.From + "." + r.Name + " }}"
}

// refParam reads the value of a param that may be a reference; problem is what is
// wrong with one, "" for nothing.
func refParam(value any) (r Reference, isReference bool, problem string) {
	m, _ := value.(map[string]any)
	ref, isText := m["ref"].(string)
	from, hasValue := m["value"].(string)
	if !isText || len(m) > 2 || len(m) == 2 && m["value"] == nil {
		return r, false, ""
	}
	job, isOperation := strings.CutPrefix(ref, "ops.")
	parts := strings.Split(from, ".")
	switch {
	case !isOperation:
		return r, true, "refers to " + ref + ", which is no job of this file"
	case !hasValue || len(parts) != 2 || parts[1] == "" || parts[0] != "outputs" && parts[0] != "inputs":
		return r, true, "refers to " + job + " and names no value of it"
	}
	return Reference{Job: job, From: parts[0], Name: parts[1]}, true, ""
}

// References returns the params of a job that are references.
func (j *Job) References() map[string]Reference {
	all := map[string]Reference{}
	for name, value := range j.Params {
		if r, isReference, problem := refParam(value); isReference && problem == "" {
			all[name] = r
		}
	}
	return all
}

// follow has a job come after those that its params refer to.
func (j *Job) follow() {
	references := j.References()
	for _, name := range keys(references) {
		if before := references[name].Job; !slices.Contains(j.After, before) {
			j.After = append(slices.Clone(j.After), before)
		}
	}
}

// validateReferences returns what is wrong with the references in a job's params.
func (c *Config) validateReferences(j *Job, at []string, fail func(string, []string, string, ...any)) {
	for _, name := range keys(j.Params) {
		r, isReference, problem := refParam(j.Params[name])
		if !isReference {
			continue
		}
		path := append(slices.Clone(at), "params", name)
		switch {
		case problem != "":
			fail("write {ref: ops.JOB, value: outputs.NAME}", path, "params.%s of %s %s", name, j.Name, problem)
		case j.Service:
			fail("a service comes after no job", path, "params.%s of %s refers to a job", name, j.Name)
		case c.Jobs[r.Job] == nil:
			fail(suggest(r.Job, keys(c.Jobs)), path, "there is no job %s", r.Job)
		case c.Jobs[r.Job].Matrix == "expand":
			fail(manyRunsHint, path, "%s", manyRuns(r.Job, name))
		}
	}
}

// Expand has slipway make the runs of a job's matrix, as matrix: expand does. It is
// an error at its line when a param of another job refers to an output of it, for it
// then has many.
func (c *Config) Expand(j *Job) error {
	j.Matrix = "expand"
	for _, name := range keys(c.Jobs) {
		references := c.Jobs[name].References()
		for _, param := range keys(references) {
			if references[param].Job == j.Name {
				e := source.Errorf(c.At("jobs", name, "params", param), "%s", manyRuns(j.Name, param))
				e.Hint = manyRunsHint
				return e
			}
		}
	}
	return nil
}

const manyRunsHint = "use after, and read what the runs wrote"

func manyRuns(job, param string) string {
	return "job " + job + " has many runs, so params." + param + " cannot be an output of it"
}
