package sandbox

import "k8s.io/client-go/rest"

// Access returns the access to the sandbox's Kubernetes API. Clients check its certificate
// by the sandbox's own authority.
func (s *Sandbox) Access() *rest.Config {
	return &rest.Config{
		Host: s.Kubernetes, BearerToken: string(s.KubernetesToken.Reveal()),
		TLSClientConfig: rest.TLSClientConfig{CAData: []byte(s.Authority)},
	}
}
