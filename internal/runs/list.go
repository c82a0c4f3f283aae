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
	// forgottenAge is the age from which on a service counts as forgotten.
	forgottenAge = 24 * time.Hour
	// maxRequests is how many requests are sent concurrently.
	maxRequests = 8
)

// Query selects the runs to list: the newest Limit runs, and all active services.
type Query struct {
	Limit int
	// Services selects only the active services. Active selects all active runs, and
	// nothing else.
	Services, Active bool
	// Query is a filter in Polyaxon's query language, such as status:running.
	Query string
}

// none returns the message that a project has no such runs.
func (q Query) none(project string) string {
	what := "no runs yet"
	if q.Services {
		what = "no service is running"
	}
	if q.Query != "" {
		what = "no runs found by " + q.Query
	}
	return what + " in project " + project
}

// List returns the runs that q selects, with their owners, the resources that they hold,
// and their costs. It sends a warning for each service that has been running for more
// than a day. For a project that was never deployed it returns no runs.
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
	if len(runs) == 0 && !q.Active {
		to.Note(q.none(to.Config.Project))
	}
	var all []report.Run
	for i := range runs {
		one := listedRun(ctx, to, &runs[i], conditions[i])
		all = append(all, one)
		if one.Kind == "service" && one.Age > forgottenAge.Seconds() {
			to.Event(report.Warning, "runs", one.RunName, forgotten(to, &one))
		}
	}
	return all, nil
}

// listed returns the runs that o selects, as the server lists them.
func listed(ctx context.Context, to *platform.Platform, o Query) ([]polyaxon.Run, error) {
	var runs []polyaxon.Run
	if !o.Services && !o.Active {
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
	going, _, err := to.Polyaxon.Runs(ctx, to.Config.Project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: pageSize})
	known := map[string]bool{}
	for i := range runs {
		known[runs[i].UUID] = true
	}
	for i := range going {
		if (going[i].Kind == "service" || o.Active) && !known[going[i].UUID] {
			runs = append(runs, going[i])
		}
	}
	return runs, err
}

// complete replaces active runs by complete ones, because lists omit their operations,
// and returns the conditions of all runs. The conditions are needed because the times in
// lists are not those at which a run was running.
func complete(ctx context.Context, to *platform.Platform, runs []polyaxon.Run) ([][]polyaxon.Condition, error) {
	conditions := make([][]polyaxon.Condition, len(runs))
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(maxRequests)
	for i := range runs {
		uuid := runs[i].UUID // the other goroutine replaces runs[i] concurrently
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

// listedRun describes a run for a list. Its age is by the server's clock, which may
// differ from this machine's.
func listedRun(ctx context.Context, to *platform.Platform, r *polyaxon.Run, conditions []polyaxon.Condition) report.Run {
	one := Report(r)
	now := to.Now().Add(to.Polyaxon.ClockOffset())
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
		one.Address, _ = Address(ctx, to, r) // a list may lack an address
	}
	return one
}

// forgotten returns the warning for a service that has been running for long.
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
