package config

import (
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
	Server            string `yaml:"server" doc:"Address of the registry" required:"yes"`
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
	var all []string
	c.sections(func(_ []string, keys []key, v reflect.Value) {
		for _, k := range keys {
			if k.form != "source" {
				continue
			}
			switch value := v.Field(k.field).Interface().(type) {
			case string:
				all = append(all, value)
			case map[string]string:
				for _, from := range value {
					all = append(all, from)
				}
			}
		}
	})
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
