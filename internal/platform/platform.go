// Package platform is where images, secrets and runs go: the registry, the cluster and the
// Polyaxon server that slipway.yaml names, and the sandbox for those that it leaves out.
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

// Platform is where a project's images, secrets and runs go. Its parts are nil until Extend
// has connected them.
type Platform struct {
	*project.Project
	Registry *registry.Client
	Cluster  *cluster.Cluster
	Polyaxon *polyaxon.Client
	// RunNamespace is the Kubernetes namespace of the runs and the secrets.
	RunNamespace string
	// Rest is the access to a cluster that is not the sandbox; nil without one.
	Rest *rest.Config
	// Target is the system that images are built for.
	Target v1.Platform
	// Sandbox is nil while nothing of it is used.
	Sandbox *sandbox.Sandbox
	// Gateway sends requests to a Polyaxon that only the cluster reaches; nil for another.
	Gateway http.RoundTripper
	// Creates is the namespace that slipway.yaml wants created, "" when it exists.
	Creates string
	// Embedded reports whether runs go to the sandbox.
	Embedded bool

	clock run.Clock
}

// Uses are the parts of the platform that a command reaches for: images are in the registry,
// secrets in the cluster, runs on Polyaxon.
type Uses struct{ Images, Secrets, Runs bool }

// New returns a Platform that is not connected yet.
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

// Connect connects the parts of the platform that a command uses, and no others. It starts
// the sandbox when one of them is there and the sandbox is not running. A combination that
// cannot work is a *source.Error.
func Connect(ctx context.Context, p *project.Project, u Uses) (*Platform, error) {
	to := New(p)
	if err := to.RefuseHalfClouds(u); err != nil {
		return nil, err
	}
	return to, to.Extend(ctx, u)
}

// Extend connects more parts of the platform.
func (to *Platform) Extend(ctx context.Context, u Uses) error {
	if err := to.join(ctx, u); err != nil {
		return err
	}
	if u.Images {
		to.connectRegistry()
	}
	if to.Cluster == nil && (u.Secrets || u.Runs && (to.Config.Cluster != nil || to.Embedded)) {
		err := to.connectCluster()
		if err != nil && to.Config.Polyaxon != nil && !u.Secrets {
			to.Note("pods are not looked at, only what Polyaxon tells of them: " + err.Error())
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if u.Secrets {
		if err := to.CheckNamespace(ctx); err != nil {
			return err
		}
	}
	if u.Runs {
		return to.connectPolyaxon(ctx)
	}
	return nil
}
