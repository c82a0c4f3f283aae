package tasks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// DefaultRuns is how many runs are listed when nobody says how many.
	DefaultRuns = 20
	// longAlive is from when on a service is taken for a forgotten one.
	longAlive = 24 * time.Hour
	// askedAtOnce bounds how many runs are asked for at the same time.
	askedAtOnce = 8
)

// RunsOptions say which runs are listed.
type RunsOptions struct {
	// Limit is how many, the newest first; DefaultRuns when zero.
	Limit int
	// Services lists the services that go on, and nothing else.
	Services bool
	// Query is one in Polyaxon's words, such as status:running.
	Query string
}

// Runs lists the project's newest runs, and all of its services that go on, however
// old: with who started them, and what they hold. It warns of services that have
// run for more than a day.
func Runs(ctx context.Context, env *Env, o RunsOptions) (*Result, error) {
	if o.Limit == 0 {
		o.Limit = DefaultRuns
	}
	if o.Limit < 0 {
		return nil, usagef("--limit %d: list 1 run or more", o.Limit)
	}
	p, to, err := env.connected(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("runs")
	runs, err := p.listed(ctx, to, o)
	if polyaxon.IsNotFound(err) {
		err = nil // a project that was never deployed has no runs
	}
	var conditions [][]polyaxon.Condition
	if err == nil {
		conditions, err = p.complete(ctx, to, runs)
	}
	if err != nil {
		return result, interruptedOr(ctx, err)
	}
	if len(runs) == 0 {
		p.event(report.Note, "", "", o.none(p.config.Project))
	}
	for i := range runs {
		one := p.listedRun(ctx, to, &runs[i], conditions[i])
		result.Runs = append(result.Runs, one)
		if one.Kind == "service" && one.Age > longAlive.Seconds() {
			p.event(report.Warning, "runs", one.RunName, p.forgotten(&one))
		}
	}
	return result, nil
}

// none says that a project has no such runs.
func (o RunsOptions) none(project string) string {
	what := "no runs yet"
	if o.Services {
		what = "no service goes on"
	}
	if o.Query != "" {
		what = "no runs found by " + o.Query
	}
	return what + " in project " + project
}

// listed gives the runs that were asked for.
func (p *project) listed(ctx context.Context, to *platform, o RunsOptions) ([]polyaxon.Run, error) {
	var runs []polyaxon.Run
	if !o.Services {
		newest, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: o.Query, Sort: "-created_at", Limit: o.Limit})
		if err != nil || o.Query != "" {
			return newest, err
		}
		runs = newest
	}
	var statuses []string
	for _, s := range []polyaxon.Status{polyaxon.Queued, polyaxon.Scheduled, polyaxon.Starting, polyaxon.Running, polyaxon.Processing, polyaxon.Stopping,
		polyaxon.Warning, polyaxon.Unschedulable, polyaxon.Retrying, polyaxon.Unknown} {
		statuses = append(statuses, string(s))
	}
	query := "status:" + strings.Join(statuses, "|")
	if o.Services && o.Query != "" {
		query += "," + o.Query
	}
	going, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: runsLimit})
	known := map[string]bool{}
	for i := range runs {
		known[runs[i].UUID] = true
	}
	for i := range going {
		if going[i].Kind == "service" && !known[going[i].UUID] {
			runs = append(runs, going[i])
		}
	}
	return runs, err
}

// complete asks for all of the runs that go on, whose operations lists leave out, and
// gives the conditions of all runs: the times that lists have are not those in which
// a run ran.
func (p *project) complete(ctx context.Context, to *platform, runs []polyaxon.Run) ([][]polyaxon.Condition, error) {
	conditions := make([][]polyaxon.Condition, len(runs))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for i := range runs {
		uuid := runs[i].UUID // the whole run takes the place of this one meanwhile
		group.Go(func() error {
			var err error
			if _, conditions[i], err = to.polyaxon.Statuses(ctx, p.config.Project, uuid); polyaxon.IsNotFound(err) {
				return nil // deleted meanwhile
			}
			return err
		})
		if runs[i].Status.Terminal() {
			continue
		}
		group.Go(func() error {
			whole, err := to.polyaxon.Run(ctx, p.config.Project, uuid)
			if polyaxon.IsNotFound(err) {
				return nil // deleted meanwhile
			}
			if err == nil {
				runs[i] = *whole
			}
			return err
		})
	}
	return conditions, group.Wait()
}

// listedRun is a run as a list shows it. Its age is by the server's clock, which is
// not this machine's.
func (p *project) listedRun(ctx context.Context, to *platform, r *polyaxon.Run, conditions []polyaxon.Condition) report.Run {
	one := reportRun(r)
	now := p.Now().Add(to.polyaxon.Ahead())
	times := run.TimesOf(r, conditions, nil, now)
	one.Times = reportTimes(times)
	one.Owner, _ = r.MetaInfo[metaActor].(string)
	if r.Status.Terminal() {
		return one
	}
	one.GPUs = r.GPUs()
	if !r.CreatedAt.IsZero() {
		one.Age = max(time.Second, now.Sub(r.CreatedAt)).Round(time.Second).Seconds()
	}
	one.Cost = cost(p.config.Prices, &run.Outcome{Run: *r, Times: times})
	if one.Kind == "service" {
		one.Address, _ = p.address(ctx, to, r) // a list has what it can have
	}
	return one
}

// forgotten is what to say of a service that has run for long.
func (p *project) forgotten(r *report.Run) string {
	held, by := "", ""
	switch {
	case r.GPUs == 1:
		held = " and holds 1 GPU"
	case r.GPUs > 1:
		held = fmt.Sprintf(" and holds %d GPUs", r.GPUs)
	}
	if r.Cost != nil {
		held += ", for " + r.Cost.String() + " so far"
	}
	if r.Owner != "" {
		by = ", started by " + r.Owner
	}
	stop := "slipway stop " + r.UUID
	if _, ok := p.config.Services[r.RunName]; ok {
		stop = "slipway down " + r.RunName
	}
	return fmt.Sprintf("service %s (run %s%s) has run for %s%s; %s stops it", r.RunName, r.UUID, by, printer.Age(r.Age), held, stop)
}
