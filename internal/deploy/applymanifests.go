package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/rollout"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// manifests is the step that applies the manifests. It comes after the runs, so that what
// they trained can be served.
type manifests struct{ *Deployment }

// Apply implements Step.
func (s manifests) Apply(ctx context.Context, result *report.Result) error {
	if !s.Uses().Objects {
		return nil
	}
	s.Event(report.Start, "manifests", s.RunNamespace, "applying")
	changes, err := s.apply(ctx)
	result.Manifests = append(result.Manifests, reportManifests(changes)...)
	if err != nil {
		serve(s).reportRolledBack(result)
		outcome := "not applied"
		if errors.As(err, new(*exit.RolloutError)) {
			outcome = "not rolled out"
		}
		s.Event(report.Failed, "manifests", s.RunNamespace, outcome)
		return exit.IfInterruptedWith(ctx, fmt.Errorf("apply manifests: %w", err), "manifests may be applied in part; another apply completes them")
	}
	s.Event(report.Done, "manifests", s.RunNamespace, tallyManifests(changes).String())
	return nil
}

// awayLimit is how long the API server may be away while manifests are applied and rolled out: while
// it is upgraded, for example.
const awayLimit = 2 * time.Minute

// apply applies the manifests, and returns what it did, also if it fails half-way. It rolls nothing
// back because the cluster does not answer: what was applied may be well.
func (s manifests) apply(ctx context.Context) ([]manifest.Change, error) {
	if err := secrets(s).createNamespace(ctx); err != nil {
		return nil, err
	}
	objects, err := s.Cluster.Objects()
	if err != nil {
		return nil, err
	}
	objects.Patience = &cluster.Patience{Limit: awayLimit, Now: s.Now, Pause: s.Pause, Notify: func(message string) {
		s.Event(report.Note, "manifests", s.RunNamespace, message)
	}}
	w := s.wantedManifests()
	planned, err := manifest.Plan(ctx, objects, w)
	if err != nil {
		return nil, err
	}
	made, err := manifest.Apply(ctx, objects, w, planned)
	unknown := errors.As(err, new(*cluster.AwayError))
	if err == nil {
		err = s.wait(ctx, objects, made)
		unknown = err != nil && ctx.Err() == nil && !errors.As(err, new(*exit.RolloutError))
	}
	switch {
	case unknown && s.Rollback && len(made) > 0:
		return done(planned, made), fmt.Errorf("%w; nothing is rolled back, as it is not known whether it is rolled out: apply again", err)
	case err != nil:
		made, err = s.rollBack(ctx, objects, made, err)
		return done(planned, made), err
	}
	pruned, err := manifest.DeletePruned(ctx, objects, w, planned)
	return append(done(planned, made), pruned...), err
}

// done returns what was done about the objects of a plan: made, and what was unchanged.
func done(planned, made []manifest.Change) []manifest.Change {
	var all []manifest.Change
	for _, c := range planned {
		switch {
		case len(made) > 0 && made[0].Kind == c.Kind && made[0].Name == c.Name:
			all, made = append(all, made[0]), made[1:]
		case c.Action == manifest.Unchanged:
			all = append(all, c)
		}
	}
	return all
}

// wait waits until all objects are rolled out.
func (s manifests) wait(ctx context.Context, in *cluster.Objects, made []manifest.Change) error {
	if s.RolloutTimeout == 0 {
		return nil
	}
	changed := map[string]bool{}
	for _, c := range made {
		changed[c.String()] = true
	}
	var all []rollout.Object
	for _, o := range s.Manifests {
		all = append(all, rollout.Object{Kind: o.Kind(), Name: o.Name(), Changed: changed[o.String()]})
	}
	return rollout.Wait(ctx, in, all, rollout.Options{Timeout: s.RolloutTimeout, Now: s.Now, Pause: s.Pause, Notify: func(o rollout.Object, message string) {
		s.Event(report.Advance, "manifests", s.RunNamespace, o.String()+": "+message)
	}})
}

// rollBackLimit is how long a rollback may take.
const rollBackLimit = time.Minute

// rollBack puts back what was if that is asked for, also after an interrupt. It returns what was done
// about the objects in the end, and why, with what became of the rollback.
func (s manifests) rollBack(ctx context.Context, objects *cluster.Objects, made []manifest.Change, why error) ([]manifest.Change, error) {
	if !s.Rollback || len(made) == 0 {
		return made, why
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollBackLimit)
	defer cancel()
	did, err := manifest.Rollback(back, objects, made)
	if err != nil {
		return did, exit.IfInterruptedWith(ctx, errors.Join(why, fmt.Errorf("roll back: %w", err)),
			"the manifests are applied in part, and could NOT be rolled back: "+err.Error())
	}
	outcome := "rolled back: what was before is put back"
	var exceptions []string
	for _, c := range did {
		if c.Reason != "" {
			exceptions = append(exceptions, c.String()+": "+c.Reason)
		}
	}
	if len(exceptions) > 0 {
		outcome += ", with exceptions: " + strings.Join(exceptions, "; ")
	}
	s.Event(report.Done, "manifests", s.RunNamespace, outcome)
	return did, exit.IfInterruptedWith(ctx, why, "the manifests are "+outcome)
}
