package project

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/slipway-ci/slipway/internal/google/artifactregistry"
	"github.com/slipway-ci/slipway/internal/secret"
)

// findNoSecrets returns why this workflow gets no secrets, or "". Only a workflow for a pull request
// of a fork, or of Dependabot, gets none, and only if something that slipway.yaml needs is really
// missing: a repository may give its secrets to them, and a sandbox or a cluster of the same
// machine needs none.
func (p *Project) findNoSecrets(ctx context.Context) string {
	request := p.PullRequest()
	if value, _ := p.Lookup("GITHUB_ACTIONS"); value != "true" || !request.Foreign {
		return ""
	}
	missing := p.missingSecret(ctx)
	if missing == "" {
		return ""
	}
	return "a pull request of " + request.From + " gets no secrets (" + missing + ")"
}

// missingSecret returns the first thing that slipway.yaml needs and that this workflow has not, or
// "". It sends no request.
func (p *Project) missingSecret(ctx context.Context) string {
	named, google := false, p.needsGoogle()
	for _, text := range p.Config.Sources() {
		from, err := secret.ParseSource(text)
		if err != nil {
			continue
		}
		if from.IsRemote() {
			google = true
			continue
		}
		if _, err := p.secrets.Resolve(ctx, from); err != nil {
			return text + " is empty"
		}
		named = named || from.Scheme == "env" // a file may be one of the repository
	}
	switch {
	case google && !p.hasGoogle():
		return "there are no credentials for Google Cloud"
	case google || named:
		return ""
	}
	return p.placeElsewhere(ctx)
}

// needsGoogle reports whether slipway.yaml, or the action, goes to Google Cloud.
func (p *Project) needsGoogle() bool {
	host, _, _ := strings.Cut(p.Config.Registry, "/")
	provider, _ := p.Lookup(providerVariable)
	cluster, google := p.Config.Cluster, p.Config.Google
	return artifactregistry.Serves(host) || provider != "" || cluster != nil && cluster.GKE != nil || google != nil && google.Provider != ""
}

// hasGoogle reports whether this workflow was given credentials for Google Cloud. Those that a
// runner has by itself do not count: they are not for strangers.
func (p *Project) hasGoogle() bool {
	if cfg := p.Config.Google; cfg != nil && (cfg.Credentials != "" || cfg.IDToken != "") {
		return true // a source, which is not missing
	}
	for _, name := range []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"} {
		if value, _ := p.Lookup(name); value != "" {
			return true
		}
	}
	return false
}

// placeElsewhere returns the first place of slipway.yaml that is not on this machine, or "". With
// no secret that slipway.yaml names, there is none for it.
func (p *Project) placeElsewhere(ctx context.Context) string {
	host, _, _ := strings.Cut(p.Config.Registry, "/")
	if host != "" && !onThisMachine("//"+host) {
		return "slipway.yaml names none for " + host
	}
	if at := p.Config.Polyaxon; at != nil && !onThisMachine(at.Host) {
		return "slipway.yaml names none for " + at.Host
	}
	if p.Config.Cluster == nil {
		return ""
	}
	access, err := p.Access(ctx)
	if err != nil || !onThisMachine(access.Config.Host) {
		return "slipway.yaml names none for its cluster"
	}
	return ""
}

// onThisMachine reports whether an address is one of this machine alone.
func onThisMachine(address string) bool {
	at, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(at.Hostname())
	return at.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
