package project

import "github.com/slipway-ci/slipway/internal/config"

// SecretParams returns a job's params that are secrets, with their sources.
func (p *Project) SecretParams(j *config.Job) map[string]string {
	sources := map[string]string{}
	for name, value := range j.Params {
		if from, isSecret := config.SecretParam(value); isSecret {
			sources[name] = from
		}
	}
	for name, text := range p.Params[j.Name] {
		delete(sources, name)
		if from, isSecret := config.SecretParam(text); isSecret {
			sources[name] = from
		}
	}
	return sources
}

// ParamSecret names the Kubernetes Secret that keeps a job's params.
func (p *Project) ParamSecret(j *config.Job) string {
	return "slipway-" + p.Config.Project + "-" + j.Name + "-params"
}

// MLflowSecret names the Kubernetes Secret that keeps the password of MLflow.
func (p *Project) MLflowSecret() string { return "slipway-" + p.Config.Project + "-mlflow" }

// MLflowKey is the key of the password in that Secret.
const MLflowKey = "password"
