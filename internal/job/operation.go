// Package job is a job, or a service, of slipway.yaml: its Polyaxonfile, what is sent to Polyaxon
// for it, what a server makes of that, and the deploy key.
package job

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// UnbuiltImage stands for an image's reference while it is not known yet.
const UnbuiltImage = "slipway.invalid/not-built@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Operation returns what is sent to Polyaxon for a job: its Polyaxonfile, filled with what
// slipway.yaml and the command line say. image is the reference, by digest, of the job's image,
// or UnbuiltImage. Errors are *source.Error.
func Operation(ctx context.Context, p *project.Project, j *config.Job, image string) (*operation.Operation, error) {
	file, err := File(ctx, p, j)
	if err != nil {
		return nil, err
	}
	with, err := filling(ctx, p, j, image)
	if err != nil {
		return nil, err
	}
	operation, err := fill.Operation(file, with)
	return operation, project.Located(p.Config.At(project.Section(j), j.Name), err)
}

// Stamped returns an operation as it is sent: its pods say where they came from.
func Stamped(p *project.Project, operation *operation.Operation) *operation.Operation {
	o := p.Origin()
	return fill.Labelled(operation, o.Labels, o.Annotations)
}

// Source returns the text of a job's own file, with the edits that make it read as operation.
func Source(ctx context.Context, p *project.Project, j *config.Job, operation *operation.Operation) ([]byte, error) {
	if j.Component != "" {
		text, err := components.Read(j.Component)
		if err != nil {
			return nil, err
		}
		return operation.Source(text, nil)
	}
	text, component, err := Reader(p).Texts(ctx, p.File(j.Polyaxonfile))
	if err != nil {
		return nil, err
	}
	return operation.Source(text, component)
}
