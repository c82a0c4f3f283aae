package config

import (
	"errors"
	"strings"

	"github.com/slipway-ci/slipway/internal/google"
)

// Federation returns the Workload Identity Federation of slipway.yaml, or nil if it has
// none.
func (g *Google) Federation() *google.Federation {
	if g == nil || g.Provider == "" {
		return nil
	}
	return &google.Federation{Provider: g.Provider, ServiceAccount: g.ServiceAccount, Audience: g.Audience, Variable: strings.TrimPrefix(g.IDToken, fromVariable)}
}

// fromVariable is how a source that is an environment variable begins, and fromManager how
// one of Secret Manager does.
const fromVariable, fromManager = "env:", "gcp-secret-manager:"

// validateGoogle checks the keys of google.
func (c *Config) validateGoogle(fail func(string, []string, string, ...any)) {
	g := c.Google
	if g == nil {
		return
	}
	at := func(key string) []string { return []string{"google", key} }
	if strings.HasPrefix(g.Credentials, fromManager) {
		fail("use env: or file:, or leave it out and use the credentials of this machine", at("credentials"),
			"google.credentials cannot be in Secret Manager, which is read with these credentials")
	}
	if g.IDToken != "" && !strings.HasPrefix(g.IDToken, fromVariable) {
		fail("write env:NAME", at("id-token"), "google.id-token must be an environment variable")
	}
	if g.Provider == "" {
		for _, other := range []struct{ key, value string }{{"service-account", g.ServiceAccount}, {"id-token", g.IDToken}, {"audience", g.Audience}} {
			if other.value != "" {
				fail("", at(other.key), "google.%s needs workload-identity-provider", other.key)
			}
		}
		return
	}
	if g.Credentials != "" {
		fail("leave one out", []string{"google"}, "google has both credentials and workload-identity-provider")
	}
	if g.IDToken != "" && g.Audience != "" {
		fail("the token has its audience already", at("audience"), "google.audience does not go with id-token")
	}
	if err := g.Federation().Check(); err != nil {
		key := "workload-identity-provider"
		if bad := new(google.AccountNameError); errors.As(err, &bad) {
			key = "service-account"
		}
		fail("", at(key), "%v", err)
	}
}

// validateGKE checks the keys of cluster.gke.
func (c *Config) validateGKE(fail func(string, []string, string, ...any)) {
	if c.Cluster == nil || c.Cluster.GKE == nil {
		return
	}
	switch gke := c.Cluster.GKE; {
	case gke.Project == "":
		fail("or set google.project", []string{"cluster", "gke"}, "cluster.gke needs project")
	case gke.FleetProject != "" && gke.Endpoint != "fleet":
		fail("", []string{"cluster", "gke", "fleet-project"}, "cluster.gke.fleet-project needs endpoint: fleet")
	}
}
