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
		Credentials: credentials(p, j), Volume: volume(p), MLflow: mlflow(p),
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

// mlflow returns the MLflow settings of slipway.yaml. The password is a reference to a
// key of a Kubernetes Secret.
func mlflow(p *project.Project) fill.MLflow {
	m := p.Config.MLflow
	if m == nil {
		return fill.MLflow{}
	}
	to := fill.MLflow{TrackingURI: m.TrackingURI, Experiment: m.Experiment, Username: m.Username}
	if m.Password != "" {
		to.Password = fill.SecretKey{Name: p.MLflowSecret(), Key: project.MLflowKey}
	}
	return to
}
