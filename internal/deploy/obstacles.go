package deploy

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// checkCluster adds to each job what keeps it from starting in the cluster, for ever or now,
// at the line that asks for it. A comment of the Polyaxonfile can ignore it, as it ignores a
// finding of check. It notes once what it could not look up, and returns what it has seen.
func (d *Deployment) checkCluster(ctx context.Context, wanted []*demand) (*surroundings, error) {
	there := d.Inventory()
	s, err := d.look(ctx, there, wanted)
	if err != nil {
		return nil, err
	}
	if note := unseenNote(s.unseen); note != "" {
		d.Note(note)
	}
	c := &checker.Checker{Env: d.Env, Project: d.Project, Cluster: there}
	for _, w := range wanted {
		problems, err := c.Missing(ctx, w.job, w.file, w.compiled)
		if err != nil {
			return nil, err
		}
		for _, problem := range problems {
			w.found(problem.Severity == string(file.SeverityError), &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint})
		}
		whose := strings.TrimSuffix(project.Section(w.job), "s") + " " + w.job.Name
		for _, o := range s.obstacles(podsOf(w.compiled)) {
			e := &source.Error{Position: d.placeOf(w, o.Path), Message: whose + " cannot start now: " + o.Message, Hint: o.Hint}
			if o.Never {
				e.Message = whose + " can never start: " + o.Message
			}
			if !lint.Ignores(w.file, lint.ExceedsCluster, e.Position) {
				w.found(o.Never, e)
			}
		}
	}
	return s, nil
}

// placeOf returns the position of a value of an operation: in slipway.yaml if that sets it,
// and otherwise in the Polyaxonfile.
func (d *Deployment) placeOf(w *demand, path []string) source.Position {
	if w.job.GPU != nil && path[len(path)-1] == "nvidia.com/gpu" {
		return d.Config.At(project.Section(w.job), w.job.Name, "gpu")
	}
	if w.job.Component != "" {
		return d.Config.At(project.Section(w.job), w.job.Name, "component")
	}
	if at, found := w.file.Locate(path); found {
		return at
	}
	return d.Config.At(project.Section(w.job), w.job.Name)
}
