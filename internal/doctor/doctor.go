// Package doctor checks all that a deploy of a repository needs: the systems that slipway.yaml
// names, the rights there, and this machine. It changes nothing.
package doctor

import (
	"context"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/preflight"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// look checks one system. It adds what it finds to f.
type look func(ctx context.Context, v *visit, f *findings)

// system is a system that is checked by itself.
type system struct {
	name string
	look look
}

// systems returns the systems that a project uses, in the order in which they are reported.
func systems(p *project.Project) []system {
	cfg := p.Config
	cloud := !cfg.Sandboxed()
	var all []system
	add := func(used bool, name string, look look) {
		if used {
			all = append(all, system{name, look})
		}
	}
	add(len(cfg.Images) > 0, "git", lookAtGit)
	add(usesSandbox(p), "sandbox", lookAtSandbox)
	add(len(cfg.Images) > 0 && cfg.Registry != "", "registry", lookAtRegistry)
	add(len(cfg.Images) > 0, "bases", lookAtBases)
	add(cfg.Cluster != nil, "cluster", lookAtCluster)
	add(cloud, "polyaxon", lookAtPolyaxon)
	add(usesGoogle(p), "google", lookAtGoogle)
	add(cfg.MLflow != nil, "mlflow", lookAtMLflow)
	add(len(cfg.Sources()) > 0, "secrets", lookAtSecrets)
	add(len(cfg.Images) > 0, "builder", lookAtBuilders)
	add(len(cfg.Manifests) > 0, "manifests", lookAtManifests)
	return all
}

// Run checks all systems at the same time, and waits for each at most as long as limit. The
// error is an *exit.ChecksError if a deploy would not work.
func Run(ctx context.Context, p *project.Project, limit time.Duration) ([]report.Check, error) {
	all := systems(p)
	found := make([]*findings, len(all))
	hard, done := context.WithTimeout(ctx, limit)
	defer done()
	// What has got no answer shortly before the limit can still be told by name.
	soft, cancel := context.WithTimeout(ctx, limit-limit/20)
	defer cancel()
	v := newVisit(soft, p)
	for i, s := range all {
		f := &findings{system: s.name, limit: limit, done: make(chan struct{})}
		found[i] = f
		panics.Go(func() {
			s.look(soft, v, f)
			close(f.done)
		}, func(err error) {
			f.fail("check", err, "")
			close(f.done)
		})
	}
	var checks []report.Check
	failed := &exit.ChecksError{}
	for _, f := range found {
		select {
		case <-f.done:
		case <-hard.Done():
		}
		checks = append(checks, f.take(failed)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	checks = slices.Concat(checks, preflight.Clocks(p), preflight.Disk(p))
	if len(failed.Causes) > 0 {
		return checks, failed
	}
	return checks, nil
}
