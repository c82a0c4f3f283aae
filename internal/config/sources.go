package config

import "slices"

// Sources gives the secret sources that the configuration names anywhere, each once,
// in order: what they hold is masked, whatever the command.
func (c *Config) Sources() []string {
	var all []string
	for _, s := range c.Secrets {
		for _, from := range s.Data {
			all = append(all, from)
		}
		if s.DockerRegistry != nil {
			all = append(all, s.DockerRegistry.ServiceAccountKey)
		}
	}
	for _, i := range c.Images {
		for _, from := range i.BuildSecrets {
			all = append(all, from)
		}
	}
	if c.Polyaxon != nil {
		all = append(all, c.Polyaxon.Token)
	}
	if c.MLflow != nil {
		all = append(all, c.MLflow.Password)
	}
	for _, jobs := range []map[string]*Job{c.Jobs, c.Services} {
		for _, j := range jobs {
			for _, value := range j.Params {
				if from, isSecret := SecretParam(value); isSecret {
					all = append(all, from)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(from string) bool { return from == "" })
}
