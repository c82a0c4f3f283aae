package project

import "github.com/slipway-ci/slipway/internal/config"

// SecretParams returns the secret sources of a job's params that are secrets, by param.
// Params of the command line override those of slipway.yaml.
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

// ParamSecret returns the name of the Kubernetes Secret that contains a job's secret
// params.
func (p *Project) ParamSecret(j *config.Job) string {
	return "slipway-" + p.Config.Project + "-" + j.Name + "-params"
}

// MLflowSecret returns the name of the Kubernetes Secret that contains the password or the
// token of MLflow.
func (p *Project) MLflowSecret() string { return "slipway-" + p.Config.Project + "-mlflow" }

// MLflowKey is the key of the password in the Secret that MLflowSecret names.
const MLflowKey = "password"

// MLflowToken is the key of the token in the Secret that MLflowSecret names.
const MLflowToken = "token"

// MLflowHasToken reports whether jobs need a token for MLflow: the key of a service of the
// sandbox. It is written when the service answers.
func (p *Project) MLflowHasToken() bool {
	return p.Config.Sandboxed() && p.Config.MLflow.Service() != ""
}
