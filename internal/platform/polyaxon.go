package platform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// connectPolyaxon creates the client for the Polyaxon server of slipway.yaml, or else for
// the server in the cluster, or else for the sandbox's.
func (to *Platform) connectPolyaxon(ctx context.Context) error {
	options := polyaxon.Options{Transport: to.Transport, Sleep: to.Sleep}
	switch cfg := to.Config.Polyaxon; {
	case cfg != nil:
		options.Host, options.Owner = cfg.Host, cfg.Owner
		if cfg.Token != "" {
			token, err := to.ResolveCredential(ctx, cfg.Token, "polyaxon", "token")
			if err != nil {
				return err
			}
			options.Token = token
		}
	case to.Config.Cluster != nil:
		found, err := to.Cluster.Polyaxon(ctx)
		if none := new(cluster.NoPolyaxonError); errors.As(err, &none) {
			if absent := to.CheckNamespace(ctx); absent != nil { // which is why it has none
				return absent
			}
			return project.WithPosition(to.Config.At("cluster"), err)
		}
		if err != nil {
			return err
		}
		to.Gateway = found.Transport()
		options.Host, options.Transport = found.Host(), secret.Watch(to.Gateway, to.Secrets)
	default:
		options.Host, options.Token = to.Sandbox.Polyaxon, to.Sandbox.Token
	}
	client, err := polyaxon.New(options)
	to.Polyaxon = client
	return err
}

// OptionalTimeout is the timeout of a request whose answer is not essential to a command.
const OptionalTimeout = 3 * time.Second

// LookAtPolyaxon returns a Platform with the Polyaxon server connected that slipway.yaml names,
// or else with that of its cluster.
func LookAtPolyaxon(ctx context.Context, p *project.Project) (*Platform, error) {
	to := New(p)
	if p.Config.Polyaxon == nil {
		if err := to.connectCluster(ctx); err != nil {
			return nil, err
		}
	}
	return to, to.connectPolyaxon(ctx)
}

// ServerVersion requests the version of the configured Polyaxon server. It returns an
// error if there is no answer within 3 s.
func ServerVersion(ctx context.Context, p *project.Project) (schema.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, OptionalTimeout)
	defer cancel()
	to, err := LookAtPolyaxon(ctx, p)
	if err != nil {
		return schema.Version{}, err
	}
	installation, err := to.Polyaxon.Installation(ctx)
	if err != nil {
		return schema.Version{}, err
	}
	return installation.Version, nil
}

// RunTarget returns the address of a run that package run uses.
func (to *Platform) RunTarget(r *polyaxon.Run) run.Target {
	kind := r.Runtime
	if kind == "" {
		kind = r.Kind
	}
	return run.Target{Namespace: to.RunNamespace, Project: to.Config.Project, UUID: r.UUID, Kind: kind}
}

// Restart submits a new run of the operation of r. The new run counts as a run with the same
// inputs.
func (to *Platform) Restart(ctx context.Context, r *polyaxon.Run) (*polyaxon.Run, error) {
	meta := to.Origin().Meta
	if key, ok := r.MetaInfo[run.MetaKey]; ok {
		meta[run.MetaKey], meta[run.MetaRerun] = key, "yes"
		if job, ok := r.MetaInfo[project.MetaJob]; ok {
			meta[project.MetaJob] = job
		}
	}
	made, err := to.Polyaxon.Restart(ctx, to.Config.Project, r.UUID, polyaxon.CreateRun{MetaInfo: meta})
	if err != nil {
		const unknown = "whether the new run was created is unknown; check it with slipway runs"
		if !polyaxon.Refused(err) {
			err = fmt.Errorf("%w; %s", err, unknown)
		}
		return nil, exit.IfInterruptedWith(ctx, fmt.Errorf("restart run %s: %w", r.UUID, err), unknown)
	}
	return made, nil
}

// sandboxTimeout is how long to retry while the sandbox does not respond. The loopback
// interface has no outages, so a sandbox that is silent for longer has ended.
const sandboxTimeout = 5 * time.Second

// FollowOptions returns o with the fields set that depend on the platform: the clock, and
// either how the sandbox responds or the cluster of the pods.
func (to *Platform) FollowOptions(o run.FollowOptions) run.FollowOptions {
	o.Clock = to.clock
	if to.Embedded {
		o.Patience, o.CompleteLive = sandboxTimeout, to.SandboxVersion().Major > 1 // 1.11.3 returns only the last lines
	} else {
		o.Cluster = to.Pods()
	}
	return o
}

// OutputsAt returns where to find the files of a run that has ended: a directory of the
// sandbox, or the command that lists them.
func (to *Platform) OutputsAt(o *run.Outcome) string {
	if to.Embedded {
		return project.DisplayPath(filepath.Join(to.StateDir(), "artifacts", o.Run.UUID, "outputs"))
	}
	return "slipway artifacts " + o.Run.UUID
}

// envClock is a run.Clock that uses an Env whose Sleep is set.
type envClock struct{ *project.Env }

// Now implements run.Clock.
func (c envClock) Now() time.Time { return c.Env.Now() }

// Sleep implements run.Clock.
func (c envClock) Sleep(ctx context.Context, d time.Duration) error { return c.Env.Sleep(ctx, d) }

// AfterFunc implements run.Clock. It uses the system's clock, because Sleep may return
// early.
func (c envClock) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
