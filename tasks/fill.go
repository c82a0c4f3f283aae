package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
)

// fill gives what slipway.yaml and the command line say of a job's Polyaxonfile.
// image is the reference, by digest, of its image.
func (p *project) fill(ctx context.Context, j *config.Job, image string) (fill.Fill, error) {
	fill := fill.Fill{
		Name: j.Name, GPU: j.GPU, Timeout: j.Timeout, Image: image,
		Credentials: p.credentials(j), Volume: p.volume(), MLflow: p.mlflow(),
	}
	p.params(j, &fill)
	for _, path := range j.Presets {
		preset, err := check.ReadPreset(ctx, p.reader(), p.file(path))
		if err != nil {
			return fill, located(p.config.At(section(j), j.Name, "presets"), err)
		}
		fill.Presets = append(fill.Presets, preset)
	}
	return fill, nil
}

// credentials says which parts of the credential snippet a job gets. The guide has
// both secrets in every cluster; the sandbox has those that slipway.yaml names.
func (p *project) credentials(j *config.Job) fill.Credentials {
	mount, named := p.config.Secrets[fill.CredentialSecret]
	_, pull := p.config.Secrets[fill.PullSecret]
	there := !p.config.Sandboxed()
	if j.Credentials != nil {
		named, pull, there = *j.Credentials, *j.Credentials, false
	}
	c := fill.Credentials{Pull: pull || there}
	if named || there {
		c.Key = fill.CredentialKey
		if mount != nil && len(mount.Data) == 1 {
			c.Key = sorted(mount.Data)[0]
		}
	}
	return c
}

// volume says what stands for the persistent volume. The sandbox has one of its
// own, behind the guide's connection.
func (p *project) volume() fill.Volume {
	switch v := p.config.Volume; {
	case v == nil:
		return fill.Volume{}
	case p.config.Sandboxed():
		return fill.Volume{Connection: fill.VolumeConnection}
	default:
		return fill.Volume(*v)
	}
}

func (p *project) mlflow() fill.MLflow {
	m := p.config.MLflow
	if m == nil {
		return fill.MLflow{}
	}
	to := fill.MLflow{TrackingURI: m.TrackingURI, Experiment: m.Experiment, Username: m.Username}
	if m.Password != "" {
		to.Password = fill.SecretKey{Name: p.mlflowSecret(), Key: mlflowKey}
	}
	return to
}
