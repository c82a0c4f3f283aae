package runs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// longAlive is from when on a service is taken for a forgotten one.
	longAlive = 24 * time.Hour
	// askedAtOnce bounds how many runs are asked for at the same time.
	askedAtOnce = 8
)

// Query says which runs are listed: the newest Limit of them, and all services that are active.
type Query struct {
	Limit int
	// Services lists the active services only.
	Services bool
	// Query filters by Polyaxon's query language, such as status:running.
	Query string
}

// none says that a project has no such runs.
func (q Query) none(project string) string {
	what := "no runs yet"
	if q.Services {
		what = "no service goes on"
	}
	if q.Query != "" {
		what = "no runs found by " + q.Query
	}
	return what + " in project " + project
}

// List returns the runs that q asks for, with who started them, what they hold and what they
// cost. It warns of services that have been running for more than a day. A project that was never
// deployed has no runs.
func List(ctx context.Context, to *platform.Platform, q Query) ([]report.Run, error) {
	runs, err := listed(ctx, to, q)
	if polyaxon.IsNotFound(err) {
		err = nil
	}
	var conditions [][]polyaxon.Condition
	if err == nil {
		conditions, err = complete(ctx, to, runs)
	}
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		to.Note(q.none(to.Config.Project))
	}
	var all []report.Run
	for i := range runs {
		one := listedRun(ctx, to, &runs[i], conditions[i])
		all = append(all, one)
		if one.Kind == "service" && one.Age > longAlive.Seconds() {
			to.Event(report.Warning, "runs", one.RunName, forgotten(to, &one))
		}
	}
	return all, nil
}

// listed returns the runs that q asks for, as the server lists them.
func listed(ctx context.Context, to *platform.Platform, o Query) ([]polyaxon.Run, error) {
	var runs []polyaxon.Run
	if !o.Services {
		newest, _, err := to.Polyaxon.Runs(ctx, to.Config.Project, polyaxon.Query{Query: o.Query, Sort: "-created_at", Limit: o.Limit})
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
	going, _, err := to.Polyaxon.Runs(ctx, to.Config.Project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: Limit})
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
func complete(ctx context.Context, to *platform.Platform, runs []polyaxon.Run) ([][]polyaxon.Condition, error) {
	conditions := make([][]polyaxon.Condition, len(runs))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(askedAtOnce)
	for i := range runs {
		uuid := runs[i].UUID // the whole run takes the place of this one meanwhile
		group.Go(func() error {
			var err error
			if _, conditions[i], err = to.Polyaxon.Statuses(ctx, to.Config.Project, uuid); polyaxon.IsNotFound(err) {
				return nil // deleted meanwhile
			}
			return err
		})
		if runs[i].Status.Terminal() {
			continue
		}
		group.Go(func() error {
			whole, err := to.Polyaxon.Run(ctx, to.Config.Project, uuid)
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
func listedRun(ctx context.Context, to *platform.Platform, r *polyaxon.Run, conditions []polyaxon.Condition) report.Run {
	one := Report(r)
	now := to.Now().Add(to.Polyaxon.Ahead())
	took := run.TimesOf(r, conditions, nil, now)
	one.Times = times(took)
	one.Owner, _ = r.MetaInfo[project.MetaActor].(string)
	if r.Status.Terminal() {
		return one
	}
	one.GPUs = r.GPUs()
	if !r.CreatedAt.IsZero() {
		one.Age = max(time.Second, now.Sub(r.CreatedAt)).Round(time.Second).Seconds()
	}
	one.Cost = Cost(to.Config.Prices, &run.Outcome{Run: *r, Times: took})
	if one.Kind == "service" {
		one.Address, _ = Address(ctx, to, r) // a list has what it can have
	}
	return one
}

// forgotten is what to say of a service that has run for long.
func forgotten(to *platform.Platform, r *report.Run) string {
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
	if _, ok := to.Config.Services[r.RunName]; ok {
		stop = "slipway down " + r.RunName
	}
	return fmt.Sprintf("service %s (run %s%s) has run for %s%s; %s stops it", r.RunName, r.UUID, by, printer.Age(r.Age), held, stop)
}
