// Package platform connects to the places that images, secrets and runs go to: the
// registry, the cluster and the Polyaxon server of slipway.yaml, or the sandbox for those
// that slipway.yaml omits.
package platform

import (
	"context"
	"net/http"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/sandbox"
)

// Platform is the registry, the cluster and the Polyaxon server of a project. Each is nil
// until Extend has connected it.
type Platform struct {
	*project.Project
	Registry *registry.Client
	Cluster  *cluster.Cluster
	Polyaxon *polyaxon.Client
	// RunNamespace is the Kubernetes namespace of the runs and the secrets.
	RunNamespace string
	// Rest is the access to the cluster, or nil if the cluster is the sandbox's or not
	// connected.
	Rest *rest.Config
	// Target is the operating system and architecture that images are built for by
	// default.
	Target v1.Platform
	// Sandbox is nil until a part of it is used.
	Sandbox *sandbox.Sandbox
	// Gateway sends requests to a Polyaxon server that is only reachable from inside the
	// cluster. It is nil for other servers.
	Gateway http.RoundTripper
	// NamespaceToCreate is the namespace to create because slipway.yaml asks for it, or ""
	// if it exists.
	NamespaceToCreate string
	// Embedded reports whether runs go to the sandbox.
	Embedded bool

	clock run.Clock
}

// Uses selects the parts of the platform that a command uses. Images are in the registry,
// secrets, the volume and the objects of manifests in the cluster, and runs on the Polyaxon server.
type Uses struct{ Images, Secrets, Volume, Runs, Objects bool }

// inCluster reports whether a part that is in the cluster is used.
func (u Uses) inCluster() bool { return u.Secrets || u.Volume || u.Objects }

// New returns a Platform that is not connected yet. It sends no requests.
func New(p *project.Project) *Platform {
	to := &Platform{Project: p, RunNamespace: p.Namespace(), Target: v1.Platform{OS: "linux", Architecture: "amd64"}, Embedded: p.Config.Sandboxed()}
	if to.Embedded {
		to.Target = v1.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH} // the sandbox is this machine
	}
	if p.Sleep != nil {
		to.clock = envClock{p.Env}
	}
	return to
}

// Connect returns a Platform with the parts connected that u selects, and no others. It
// starts the sandbox if one of them belongs to it and it is not running. The error is a
// *source.Error if slipway.yaml combines parts that cannot work together, or if a part
// cannot be connected because of what slipway.yaml says.
func Connect(ctx context.Context, p *project.Project, u Uses) (*Platform, error) {
	to := New(p)
	if err := to.CheckCombination(u); err != nil {
		return nil, err
	}
	return to, to.Extend(ctx, u)
}

// Extend connects the parts that u selects, in addition to those that are connected
// already. Like Connect, it starts the sandbox if needed.
func (to *Platform) Extend(ctx context.Context, u Uses) error {
	if err := to.join(ctx, u); err != nil {
		return err
	}
	if u.Images {
		to.connectRegistry()
	}
	if to.Cluster == nil && (u.inCluster() || u.Runs && (to.Config.Cluster != nil || to.Embedded)) {
		err := to.connectCluster(ctx)
		if err != nil && to.Config.Polyaxon != nil && !u.inCluster() {
			to.Note("pods cannot be read directly, only what Polyaxon reports about them: " + err.Error())
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if u.Secrets || u.Objects {
		if err := to.CheckNamespace(ctx); err != nil {
			return err
		}
	}
	if u.Runs {
		return to.connectPolyaxon(ctx)
	}
	return nil
}
