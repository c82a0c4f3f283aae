package job

import (
	"context"
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/project"
)

// fillFor returns the values of slipway.yaml and of the command line that fill a job's
// Polyaxonfile. image is the reference, by digest, of the job's image.
func fillFor(ctx context.Context, p *project.Project, j *config.Job, image string) (fill.Fill, error) {
	fill := fill.Fill{
		Name: j.Name, GPU: j.GPU, Timeout: j.Timeout, Image: image,
		Credentials: credentials(p, j), Volume: volume(p), MLflow: mlflow(p, j),
		Served: served(p, j).Variables(),
	}
	params(p, j, &fill)
	for _, path := range j.Presets {
		preset, err := check.ReadPreset(ctx, Reader(p), p.File(path))
		if err != nil {
			return fill, project.WithPosition(p.Config.At(project.Section(j), j.Name, "presets"), err)
		}
		fill.Presets = append(fill.Presets, preset)
	}
	return fill, nil
}

// credentials selects the parts of the guide's credential snippet that a job gets. A
// cluster is assumed to have both of the guide's secrets. The sandbox has those that
// slipway.yaml names. A job's own setting overrides both.
func credentials(p *project.Project, j *config.Job) fill.Credentials {
	mount, named := p.Config.Secrets[fill.CredentialSecret]
	_, pull := p.Config.Secrets[fill.PullSecret]
	there := !p.Config.Sandboxed()
	if j.Credentials != nil {
		named, pull, there = *j.Credentials, *j.Credentials, false
	}
	c := fill.Credentials{Pull: pull || there}
	if named || there {
		c.Key = fill.CredentialKey
		if mount != nil && len(mount.Data) == 1 {
			c.Key = slices.Sorted(maps.Keys(mount.Data))[0]
		}
	}
	return c
}

// volume returns what replaces the guide's persistent volume. The sandbox has a volume of
// its own, which the guide's connection refers to.
func volume(p *project.Project) fill.Volume {
	switch v := p.Config.Volume; {
	case v == nil:
		return fill.Volume{}
	case p.Config.Sandboxed():
		return fill.Volume{Connection: fill.VolumeConnection}
	default:
		return fill.Volume{Connection: v.Connection, Claim: v.Claim}
	}
}

// PlaceholderMLflow is the placeholder for the address of MLflow's tracking server that is
// found or started when a run is submitted. It stands in the operation that the deploy key is
// made of, so that a service that was started again does not run jobs again.
const PlaceholderMLflow = "http://mlflow.slipway.invalid"

// mlflow returns the MLflow settings of slipway.yaml for a job. The password is a reference to
// a key of a Kubernetes Secret, and so is the key of a service of the sandbox.
func mlflow(p *project.Project, j *config.Job) fill.MLflow {
	m := p.Config.MLflow
	if !m.Tracks(j) {
		return fill.MLflow{}
	}
	to := fill.MLflow{TrackingURI: m.Address(), Experiment: m.Experiment, Username: m.Username}
	if to.TrackingURI == "" {
		to.TrackingURI = PlaceholderMLflow
	}
	if p.MLflowHasToken() {
		to.Token = fill.SecretKey{Name: p.MLflowSecret(), Key: project.MLflowToken}
	}
	if m.Password != "" {
		to.Password = fill.SecretKey{Name: p.MLflowSecret(), Key: project.MLflowKey}
	}
	return to
}

// PlaceholderRun is the placeholder for the UUID of a run that is not known yet.
const PlaceholderRun = "00000000000000000000000000000000"

// served returns the model that a service serves. Until its run is known, a placeholder stands for
// it.
func served(p *project.Project, j *config.Job) config.Served {
	if s := p.Config.ServeOf(j.Name); s != nil && j.Service && j.Served == (config.Served{}) {
		return s.Of(PlaceholderRun)
	}
	return j.Served
}
