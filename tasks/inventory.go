package tasks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// checkPatience is how long check waits for an answer of a server or a cluster.
const checkPatience = 3 * time.Second

// versionsFor gives the versions to check as, and whether they are a guess: nobody
// said which of them counts.
func (c *checker) versionsFor(ctx context.Context, wanted string) (versions []schema.Version, guessed bool, err error) {
	if versions, err = parseVersions(wanted); err != nil || len(versions) > 0 {
		return versions, false, err
	}
	if c.project != nil && (!c.project.config.Sandboxed() || c.project.config.Sandbox != nil) {
		return c.versionsHere(ctx)
	}
	return lint.KnownVersions(), true, nil
}

// parseVersions reads releases of Polyaxon with commas between; none of an empty text.
func parseVersions(text string) (versions []schema.Version, err error) {
	for _, one := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		v, err := schema.ParseVersion(one)
		if err != nil {
			return nil, usagef("--polyaxon-version: %v", err)
		}
		versions = append(versions, v)
	}
	return versions, nil
}

// versionsHere gives the version of the server that runs go to. All that are known are
// a guess, where a server does not answer.
func (c *checker) versionsHere(ctx context.Context) (versions []schema.Version, guessed bool, err error) {
	if versions, err = parseVersions(c.project.version); err != nil || len(versions) > 0 {
		return versions, false, err
	}
	switch {
	case c.project.config.Sandboxed():
		return []schema.Version{c.project.sandboxVersion()}, false, nil
	case c.project.offline:
		return lint.KnownVersions(), true, nil
	}
	v, err := c.project.serverVersion(ctx)
	switch {
	case err == nil:
		return []schema.Version{v}, false, nil
	case ctx.Err() != nil:
		return nil, false, &InterruptedError{}
	}
	c.project.event(report.Note, "", "", fmt.Sprintf("Polyaxon does not tell its version (%v): checking as every version that is known", err))
	return lint.KnownVersions(), true, nil
}

// serverVersion asks the configured Polyaxon server for its version.
func (p *project) serverVersion(ctx context.Context) (schema.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	to := &platform{namespace: "polyaxon-v1"}
	if p.config.Polyaxon == nil {
		if err := p.connectCluster(ctx, to); err != nil {
			return schema.Version{}, err
		}
	}
	if err := p.connectPolyaxon(ctx, to); err != nil {
		return schema.Version{}, err
	}
	installation, err := to.polyaxon.Installation(ctx)
	if err != nil {
		return schema.Version{}, err
	}
	return installation.Version, nil
}

// inventory gives what the cluster has that slipway.yaml names or, where runs go to
// the sandbox, the sandbox that already runs; nil without either.
func (p *project) inventory(ctx context.Context) lint.Inventory {
	to := &platform{namespace: "polyaxon-v1"}
	switch {
	case p.config.Cluster != nil:
		if err := p.connectCluster(ctx, to); err != nil {
			p.event(report.Note, "", "", "the cluster is not asked what it has: "+err.Error())
			return nil
		}
		return &inventory{project: p, cluster: to.cluster}
	case p.config.Polyaxon != nil:
		return nil
	}
	running, err := sandbox.Running(ctx, p.state())
	if err != nil {
		return nil
	}
	secret.Tell(p.Secrets, running.Token, running.RegistryToken, running.KubernetesToken)
	connected, err := cluster.Connect(&rest.Config{Host: running.Kubernetes, BearerToken: string(running.KubernetesToken.Reveal())}, running.Namespace, "sandbox")
	if err != nil {
		return nil
	}
	return &inventory{project: p, cluster: connected, connections: sandbox.Connections()}
}

// inventory asks a cluster for Secrets by their names, and for each other kind once.
type inventory struct {
	*project
	cluster *cluster.Cluster
	// connections are the sandbox's, which has no ConfigMap for them.
	connections []string

	mu      sync.Mutex
	listed  map[lint.Kind]list
	secrets map[string]bool
	// blind tells that the cluster does not say which Secrets there are.
	blind bool
}

// list is what there is of a kind, as far as that is known.
type list struct {
	names []string
	known bool
}

// Has implements lint.Inventory.
func (i *inventory) Has(ctx context.Context, kind lint.Kind, name string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if kind == lint.Secret {
		return i.hasSecret(ctx, name)
	}
	all := i.list(ctx, kind)
	return !all.known || slices.Contains(all.names, name)
}

// Names implements lint.Inventory. Of Secrets those of slipway.yaml are known.
func (i *inventory) Names(ctx context.Context, kind lint.Kind) []string {
	if kind == lint.Secret {
		return sorted(i.config.Secrets)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.list(ctx, kind).names
}

// hasSecret asks for a Secret by its name: few may list them. Deploy syncs those of
// slipway.yaml first.
func (i *inventory) hasSecret(ctx context.Context, name string) bool {
	if i.config.Secrets[name] != nil {
		return true
	}
	if has, asked := i.secrets[name]; asked || i.blind {
		return has || i.blind
	}
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	has, err := i.cluster.HasSecret(ctx, name)
	if err != nil {
		i.blind = true
		i.event(report.Note, "", "", fmt.Sprintf("whether the secrets that runs name are there is not known: %v", err))
		return true
	}
	if i.secrets == nil {
		i.secrets = map[string]bool{}
	}
	i.secrets[name] = has
	return has
}

func (i *inventory) list(ctx context.Context, kind lint.Kind) list {
	if all, asked := i.listed[kind]; asked {
		return all
	}
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	names, known, err := i.ask(ctx, kind)
	if err != nil {
		i.event(report.Note, "", "", fmt.Sprintf("the cluster is not asked for %ss: %v", kind, err))
	}
	if i.listed == nil {
		i.listed = map[lint.Kind]list{}
	}
	i.listed[kind] = list{names, known && err == nil}
	return i.listed[kind]
}

func (i *inventory) ask(ctx context.Context, kind lint.Kind) (names []string, known bool, err error) {
	resource := map[lint.Kind]string{lint.ConfigMap: "configmaps", lint.VolumeClaim: "persistentvolumeclaims"}[kind]
	switch {
	case kind == lint.Connection && i.connections != nil:
		return i.connections, true, nil
	case kind == lint.Connection:
		return i.cluster.AgentConnections(ctx)
	case kind == lint.VolumeClaim && i.connections != nil:
		return nil, false, nil // the sandbox has no claims
	}
	names, err = i.cluster.Names(ctx, resource)
	return names, true, err
}
