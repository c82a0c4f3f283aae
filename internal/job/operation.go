// Package job represents a job or a service of slipway.yaml: its Polyaxonfile, the
// operation that is sent to Polyaxon, the operation as a server compiles it, and the
// deploy key.
package job

import (
	"context"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/project"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// PlaceholderImage is the placeholder for an image's reference that is not known yet.
const PlaceholderImage = "slipway.invalid/not-built@" + PlaceholderDigest

// PlaceholderDigest is the placeholder for an image's digest that is not known yet.
const PlaceholderDigest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// Operation returns the operation of a job: its Polyaxonfile, filled with the values of
// slipway.yaml and of the command line. image is the reference, by digest, of the job's
// image, or PlaceholderImage. Errors are *source.Error.
func Operation(ctx context.Context, p *project.Project, j *config.Job, image string) (*operation.Operation, error) {
	file, err := File(ctx, p, j)
	if err != nil {
		return nil, err
	}
	with, err := fillFor(ctx, p, j, image)
	if err != nil {
		return nil, err
	}
	operation, err := fill.Operation(file, with)
	return operation, project.WithPosition(p.Config.At(project.Section(j), j.Name), err)
}

// WithOrigin returns an operation as it is sent, with labels and annotations for its pods
// that say where the operation came from, and the same as tags for the runs of MLflow.
// reference is that of the job's image, by digest.
func WithOrigin(p *project.Project, j *config.Job, operation *operation.Operation, reference string) *operation.Operation {
	o := p.Origin()
	labelled := fill.Labelled(operation, o.Labels, o.Annotations)
	if !p.Config.MLflow.Tracks(j) {
		return labelled
	}
	_, digest, _ := strings.Cut(reference, "@")
	commit, _ := o.Meta[project.MetaCommit].(string)
	return fill.MLflowTagged(labelled, map[string]string{fill.MLflowProjectTag: p.Config.Project, fill.MLflowJobTag: j.Name, "slipway.commit": commit, "slipway.image": digest})
}

// Source returns the text of a job's Polyaxonfile or component, edited so that it reads
// as operation.
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
