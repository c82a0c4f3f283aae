// Package runs finds and lists the runs of a project, computes their costs, downloads
// their files, and describes them for reports.
package runs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// FindForReading is like Find, for commands that only read what a run left. If lastSucceeded is
// set, it returns the newest run of a job that succeeded, and an *exit.UsageError if
// there is none. Otherwise, if the newest run of a job ended without success, it sends a
// note that names the last run that succeeded.
func FindForReading(ctx context.Context, to *platform.Platform, name string, lastSucceeded bool) (*polyaxon.Run, error) {
	if lastSucceeded {
		last, err := Last(ctx, to, name, polyaxon.Succeeded)
		if err == nil && last == nil {
			if unknown := unknownJob(to, name); unknown != nil {
				return nil, unknown
			}
			return nil, exit.Usagef("no run named %s of project %s has succeeded (--last-succeeded needs a job's name; slipway runs lists runs)", name, to.Config.Project)
		}
		return last, err
	}
	found, err := Find(ctx, to, name)
	if err != nil || found.Name != name || !found.Status.Terminal() || found.Status == polyaxon.Succeeded {
		return found, err
	}
	// The note is optional, so an error of the request is ignored.
	if last, err := Last(ctx, to, name, polyaxon.Succeeded); err == nil && last != nil {
		to.Note(fmt.Sprintf("run %s, the newest of %s, is %s; the last that succeeded is run %s of %s (--last-succeeded selects it)",
			found.UUID, name, found.Status, last.UUID, last.CreatedAt.Format(time.DateTime)))
	}
	return found, nil
}

// uuidPattern matches the UUID of a run without hyphens.
var uuidPattern = lazyregexp.New(`^[0-9a-f]{32}$`)

// Find returns the run that name stands for: the run with this UUID, the newest run of
// the job or service of this name (see meant), or the only run whose UUID begins with it. If there is
// no such run, or more than one, the error is an *exit.UsageError.
func Find(ctx context.Context, to *platform.Platform, name string) (*polyaxon.Run, error) {
	plain := strings.ToLower(strings.ReplaceAll(name, "-", ""))
	if uuidPattern.MatchString(plain) {
		found, err := to.Polyaxon.Run(ctx, to.Config.Project, plain)
		if polyaxon.IsNotFound(err) {
			return nil, exit.Usagef("run not found: project %s has no run %s (slipway runs lists them)", to.Config.Project, name)
		}
		return found, err
	}
	matches, err := matches(ctx, to, name, plain)
	if err != nil {
		return nil, err
	}
	switch len(matches) {
	case 0:
		return nil, notFound(to.Config, name)
	case 1:
		return to.Polyaxon.Run(ctx, to.Config.Project, matches[0])
	}
	return nil, exit.Usagef("%s is ambiguous: the ids of %d runs begin with it; give more digits (%s)", name, len(matches), strings.Join(uniquePrefixes(matches, len(plain)), ", "))
}

// idPrefix matches what is looked up as the beginning of a run's UUID.
var idPrefix = lazyregexp.New(`^[0-9a-f]{4,31}$`)

// shortPrefix matches beginnings of UUIDs that are not looked up, because a typo could
// select the wrong run, for example to be stopped.
var shortPrefix = lazyregexp.New(`^[0-9a-f]{1,3}$`)

// uniquePrefixes returns the beginnings of the first few ids, each long enough to be unique
// among ids. All ids have their first common digits in common.
func uniquePrefixes(ids []string, common int) []string {
	ids = slices.Sorted(slices.Values(ids))
	var shown []string
	for n, id := range ids[:min(len(ids), 4)] {
		digits := max(common+1, 8)
		for digits < len(id) && (n > 0 && ids[n-1][:digits] == id[:digits] || n+1 < len(ids) && ids[n+1][:digits] == id[:digits]) {
			digits++
		}
		shown = append(shown, id[:digits])
	}
	if len(ids) > len(shown) {
		shown = append(shown, "...")
	}
	return shown
}

// pageSize is how many of the newest runs are searched for a name, and the page size of
// requests for runs.
const pageSize = 100

// maxSearched is the maximum number of runs that are searched for the beginning of a UUID.
const maxSearched = 10_000

// matches returns the UUID of the run that this name stands for. If there is none, it returns
// the UUIDs that begin with prefix: of the first page of runs, newest first, that has
// any.
func matches(ctx context.Context, to *platform.Platform, name, prefix string) ([]string, error) {
	for offset := 0; offset < maxSearched; {
		runs, count, err := to.Polyaxon.Runs(ctx, to.Config.Project, polyaxon.Query{Sort: "-created_at", Limit: pageSize, Offset: offset})
		if polyaxon.IsNotFound(err) || err == nil && len(runs) == 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		var found []string
		var named []polyaxon.Run
		for i := range runs {
			switch {
			case runs[i].Name == name && offset == 0:
				named = append(named, runs[i])
			case idPrefix.MatchString(prefix) && strings.HasPrefix(runs[i].UUID, prefix):
				found = append(found, runs[i].UUID)
			}
		}
		if len(named) > 0 {
			return []string{meant(named).UUID}, nil
		}
		if offset += len(runs); len(found) > 0 || offset >= count || !idPrefix.MatchString(prefix) {
			return found, nil
		}
	}
	return nil, nil
}

// meant returns the run that a job's name stands for, of its runs, newest first. That is the
// newest, unless that one was stopped and another goes on. So it is when two deploys at once
// submit a job: one of the runs is stopped, and `slipway stop JOB` must stop the other.
func meant(runs []polyaxon.Run) polyaxon.Run {
	stopped := func(s polyaxon.Status) bool { return s == polyaxon.Stopping || s == polyaxon.Stopped }
	if stopped(runs[0].Status) {
		for _, r := range runs[1:] {
			if !r.Status.Terminal() && !stopped(r.Status) {
				return r
			}
		}
	}
	return runs[0]
}

// Last returns the newest run of a job or, if status is not empty, its newest run with
// this status. It returns nil if there is none.
func Last(ctx context.Context, to *platform.Platform, job string, status polyaxon.Status) (*polyaxon.Run, error) {
	query := "name:" + job
	if status != "" {
		query += ",status:" + string(status)
	}
	runs, _, err := to.Polyaxon.Runs(ctx, to.Config.Project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: 1})
	if polyaxon.IsNotFound(err) || (err == nil && len(runs) == 0) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return to.Polyaxon.Run(ctx, to.Config.Project, runs[0].UUID)
}
