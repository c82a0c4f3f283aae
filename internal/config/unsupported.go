package config

import (
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Unsupported returns a *source.Error for each part of the configuration that a command needs
// and that this version does not implement, joined. Such a part is refused by name, never
// ignored.
func (c *Config) Unsupported(jobs []*Job, secrets []*Secret) error {
	var errs []*source.Error
	refuse := func(hint, what string, path ...string) {
		errs = append(errs, &source.Error{Position: c.At(path...), Message: what + " is not supported by this version of slipway", Hint: hint})
	}
	if c.Bucket != "" {
		refuse("leave it out, and use gcloud storage for now", "Cloud Storage (bucket)", "bucket")
	}
	if len(c.Manifests) > 0 {
		refuse("leave it out, and use kubectl apply for now", "applying manifests", "manifests")
	}
	for _, s := range secrets {
		for _, key := range keys(s.Data) {
			if strings.HasPrefix(s.Data[key], "gcp-secret-manager:") {
				refuse("use env: or file:", "Secret Manager (gcp-secret-manager:)", "secrets", s.Name, "data", key)
			}
		}
		if s.DockerRegistry != nil && strings.HasPrefix(s.DockerRegistry.ServiceAccountKey, "gcp-secret-manager:") {
			refuse("use env: or file:", "Secret Manager (gcp-secret-manager:)", "secrets", s.Name, "docker-registry", "service-account-key")
		}
	}
	for _, j := range jobs {
		section := "jobs"
		if j.Service {
			section = "services"
		}
		for _, key := range keys(j.Params) {
			if from, _ := SecretParam(j.Params[key]); strings.HasPrefix(from, "gcp-secret-manager:") {
				refuse("use secret:env: or secret:file:", "Secret Manager (gcp-secret-manager:)", section, j.Name, "params", key)
			}
		}
	}
	if c.MLflow != nil && strings.HasPrefix(c.MLflow.Password, "gcp-secret-manager:") {
		refuse("use env: or file:", "Secret Manager (gcp-secret-manager:)", "mlflow", "password")
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(inOrder(errs))
}
