package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Secret is a Kubernetes Secret.
type Secret struct {
	Name string

	Data           map[string]string `yaml:"data" doc:"Keys, and the secret source of each" form:"source" oneof:"yes"`
	DockerRegistry *DockerRegistry   `yaml:"docker-registry" doc:"Credentials to pull images with" oneof:"yes"`
	TLS            *TLS              `yaml:"tls" doc:"A certificate and its private key, such as for an Ingress" oneof:"yes"`
	BasicAuth      *BasicAuth        `yaml:"basic-auth" doc:"A user name and a password" oneof:"yes"`
	Immutable      bool              `yaml:"immutable" doc:"Let Kubernetes refuse every later change of the values"`
}

// DockerRegistry holds what an imagePullSecret is made of.
type DockerRegistry struct {
	Server            string `yaml:"server" doc:"Address of the registry" required:"yes" form:"registry"`
	ServiceAccountKey string `yaml:"service-account-key" doc:"Secret source of a Google service account key" required:"yes" form:"source"`
}

// TLS is what a Secret of the type kubernetes.io/tls is made of.
type TLS struct {
	Cert string `yaml:"cert" doc:"Secret source of the certificate in PEM, followed by those of its issuers" required:"yes" form:"source"`
	Key  string `yaml:"key" doc:"Secret source of the certificate's private key in PEM" required:"yes" form:"source"`
}

// BasicAuth is what a Secret of the type kubernetes.io/basic-auth is made of.
type BasicAuth struct {
	Username string `yaml:"username" doc:"User name" required:"yes" form:"text"`
	Password string `yaml:"password" doc:"Secret source of the password" required:"yes" form:"source"`
}

// SecretParam returns the secret source of a param such as secret:env:TOKEN. isSecret
// reports whether value is such a param.
func SecretParam(value any) (from string, isSecret bool) {
	text, _ := value.(string)
	return strings.CutPrefix(text, "secret:")
}

// Sources returns all secret sources that the configuration names, sorted and without
// duplicates. Their values are masked in the output of every command.
func (c *Config) Sources() []string {
	return slices.Sorted(maps.Keys(c.SourceKeys()))
}

// SourceKeys returns for each secret source the keys that lead to it in the file, which are
// the first ones of a source that stands in several places.
func (c *Config) SourceKeys() map[string][]string {
	all := map[string][]string{}
	add := func(from string, path []string, more ...string) {
		path = slices.Concat(path, more)
		if before, known := all[from]; from != "" && (!known || slices.Compare(path, before) < 0) {
			all[from] = path
		}
	}
	c.sections(func(path []string, keys []key, v reflect.Value) {
		for _, k := range keys {
			if k.form != "source" {
				continue
			}
			switch value := v.Field(k.field).Interface().(type) {
			case string:
				add(value, path, k.name)
			case map[string]string:
				for name, from := range value {
					add(from, path, k.name, name)
				}
			}
		}
	})
	for section, jobs := range map[string]map[string]*Job{"jobs": c.Jobs, "services": c.Services} {
		for _, j := range jobs {
			for name, value := range j.Params {
				if from, isSecret := SecretParam(value); isSecret {
					add(from, []string{section, j.Name, "params", name})
				}
			}
		}
	}
	return all
}
