package config

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Reference is a param whose value comes from a run of another job. A Polyaxonfile writes
// it as {ref: ops.train, value: outputs.best}.
type Reference struct {
	// Job is the name of the other job.
	Job string
	// From is "outputs" or "inputs", and Name is the name of the output or input. From is "globals"
	// for the UUID of the run, and Name is then "uuid".
	From, Name string
}

// runUUID is what a reference to the UUID of a run has as its value.
const runUUID = "globals.uuid"

// String returns the reference as a template expression.
func (r Reference) String() string {
	return "{{ ops." + r.Job + "." + r.From + "." + r.Name + " }}"
}

// refParam parses the value of a param that may be a reference. If it is one but is not
// valid, problem says why; otherwise problem is "".
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
		return r, true, "refers to " + ref + ", which is not a job in this file"
	case !hasValue || len(parts) != 2 || parts[1] == "" || from != runUUID && parts[0] != "outputs" && parts[0] != "inputs":
		return r, true, "refers to " + job + ", but value is not an output or input of it, or " + runUUID
	}
	return Reference{Job: job, From: parts[0], Name: parts[1]}, true, ""
}

// References returns the references among a job's params, by the param's name.
func (j *Job) References() map[string]Reference {
	all := map[string]Reference{}
	for name, value := range j.Params {
		if r, isReference, problem := refParam(value); isReference && problem == "" {
			all[name] = r
		}
	}
	return all
}

// addReferencedJobs adds the jobs that the params refer to to After.
func (j *Job) addReferencedJobs() {
	references := j.References()
	for _, name := range keys(references) {
		if before := references[name].Job; !slices.Contains(j.After, before) {
			j.After = append(slices.Clone(j.After), before)
		}
	}
}

// validateReferences reports invalid references in a job's params to fail.
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
			fail("a service cannot wait for a job", path, "params.%s of %s refers to a job", name, j.Name)
		case c.Jobs[r.Job] == nil:
			fail(suggest(r.Job, c.names.Jobs), path, "job %s not found", r.Job)
		case c.Jobs[r.Job].Matrix == MatrixExpand:
			fail(manyRunsHint, path, "%s", manyRuns(r.Job, name))
		}
	}
}

// Expand makes slipway expand a job's matrix, as matrix: expand does. It returns a
// *source.Error at a param of another job that refers to an output of this one, as the
// job then has many runs.
func (c *Config) Expand(j *Job) error {
	j.Matrix = MatrixExpand
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
	return "job " + job + " has many runs, so params." + param + " cannot refer to an output of it"
}
