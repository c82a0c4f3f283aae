package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile"
)

// fill gives what slipway.yaml and the command line say of a job's Polyaxonfile.
// image is the reference, by digest, of its image.
func (p *project) fill(ctx context.Context, j *config.Job, image string) (polyaxonfile.Fill, error) {
	fill := polyaxonfile.Fill{
		Name: j.Name, GPU: j.GPU, Timeout: j.Timeout, Image: image,
		Credentials: p.credentials(j), Volume: p.volume(), MLflow: p.mlflow(),
	}
	p.params(j, &fill)
	for _, path := range j.Presets {
		preset, err := p.reader().ReadPreset(ctx, p.file(path))
		if err != nil {
			return fill, located(p.config.At(section(j), j.Name, "presets"), err)
		}
		fill.Presets = append(fill.Presets, preset)
	}
	return fill, nil
}

// credentials says which parts of the credential snippet a job gets. The guide has
// both secrets in every cluster; the sandbox has those that slipway.yaml names.
func (p *project) credentials(j *config.Job) polyaxonfile.Credentials {
	mount, named := p.config.Secrets[polyaxonfile.CredentialSecret]
	_, pull := p.config.Secrets[polyaxonfile.PullSecret]
	there := !p.config.Sandboxed()
	if j.Credentials != nil {
		named, pull, there = *j.Credentials, *j.Credentials, false
	}
	c := polyaxonfile.Credentials{Pull: pull || there}
	if named || there {
		c.Key = polyaxonfile.CredentialKey
		if mount != nil && len(mount.Data) == 1 {
			c.Key = sorted(mount.Data)[0]
		}
	}
	return c
}

// volume says what stands for the persistent volume. The sandbox has one of its
// own, behind the guide's connection.
func (p *project) volume() polyaxonfile.Volume {
	switch v := p.config.Volume; {
	case v == nil:
		return polyaxonfile.Volume{}
	case p.config.Sandboxed():
		return polyaxonfile.Volume{Connection: polyaxonfile.VolumeConnection}
	default:
		return polyaxonfile.Volume(*v)
	}
}

func (p *project) mlflow() polyaxonfile.MLflow {
	m := p.config.MLflow
	if m == nil {
		return polyaxonfile.MLflow{}
	}
	to := polyaxonfile.MLflow{TrackingURI: m.TrackingURI, Experiment: m.Experiment, Username: m.Username}
	if m.Password != "" {
		to.Password = polyaxonfile.SecretKey{Name: p.mlflowSecret(), Key: mlflowKey}
	}
	return to
}
