package tasks

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// chosen is the run that a job's name stands for.
type chosen struct {
	// lastSucceeded is the newest that succeeded, rather than the newest.
	lastSucceeded bool
}

// find gives the run that the user names. Beside a newest one that ended badly it says
// which was the last that succeeded.
func (c chosen) find(p *project, ctx context.Context, to *platform, name string) (*polyaxon.Run, error) {
	if c.lastSucceeded {
		last, err := p.lastRun(ctx, to, name, polyaxon.Succeeded)
		if err == nil && last == nil {
			return nil, usagef("no run called %s of project %s has succeeded (--last-succeeded goes with a job's name; slipway runs lists runs)", name, p.config.Project)
		}
		return last, err
	}
	found, err := p.find(ctx, to, name)
	if err != nil || found.Name != name || !found.Status.Terminal() || found.Status == polyaxon.Succeeded {
		return found, err
	}
	// That there is none, or none that can be asked for now, is no reason to tell nothing.
	if last, err := p.lastRun(ctx, to, name, polyaxon.Succeeded); err == nil && last != nil {
		p.event(report.Note, "", "", fmt.Sprintf("run %s, the newest of %s, is %s; the last that succeeded is run %s of %s (--last-succeeded chooses it)",
			found.UUID, name, found.Status, last.UUID, last.CreatedAt.Format(time.DateTime)))
	}
	return found, nil
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// find gives the run with this UUID, the only one whose UUID begins so, or the
// newest one of the job or service of this name.
func (p *project) find(ctx context.Context, to *platform, name string) (*polyaxon.Run, error) {
	plain := strings.ToLower(strings.ReplaceAll(name, "-", ""))
	if uuidPattern.MatchString(plain) {
		found, err := to.polyaxon.Run(ctx, p.config.Project, plain)
		if polyaxon.IsNotFound(err) {
			return nil, usagef("project %s has no run %s (slipway runs lists them)", p.config.Project, name)
		}
		return found, err
	}
	matches, err := p.matches(ctx, to, name, plain)
	if err != nil {
		return nil, err
	}
	switch len(matches) {
	case 0:
		return nil, p.noRun(name)
	case 1:
		return to.polyaxon.Run(ctx, p.config.Project, matches[0])
	}
	return nil, usagef("%s is the beginning of %d runs: give more digits of one's id (%s)", name, len(matches), strings.Join(apart(matches, len(plain)), ", "))
}

// beginning is what the id of a run may begin with.
var beginning = regexp.MustCompile(`^[0-9a-f]{4,31}$`)

// tooShort is less of an id than names a run: a slip of the fingers would stop another one.
var tooShort = regexp.MustCompile(`^[0-9a-f]{1,3}$`)

// apart gives the beginnings of ids that have some digits in common, long enough to tell
// the first few of them apart.
func apart(ids []string, common int) []string {
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

// oldest bounds how many runs are looked through for one whose id begins so.
const oldest = 10_000

// matches gives the newest run of this name or, without one, those whose UUIDs begin so:
// of the newest runs or, when there is none among them, of older ones.
func (p *project) matches(ctx context.Context, to *platform, name, prefix string) ([]string, error) {
	for offset := 0; offset < oldest; {
		runs, count, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Sort: "-created_at", Limit: runsLimit, Offset: offset})
		if polyaxon.IsNotFound(err) || err == nil && len(runs) == 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		var found []string
		for i := range runs {
			switch {
			case runs[i].Name == name && offset == 0:
				return []string{runs[i].UUID}, nil
			case beginning.MatchString(prefix) && strings.HasPrefix(runs[i].UUID, prefix):
				found = append(found, runs[i].UUID)
			}
		}
		if offset += len(runs); len(found) > 0 || offset >= count || !beginning.MatchString(prefix) {
			return found, nil
		}
	}
	return nil, nil
}

// noRun is the error for a name that no run has: one may begin with it, and it is too
// short to say so.
func (p *project) noRun(name string) error {
	if tooShort.MatchString(strings.ToLower(name)) {
		return usagef("project %s has no run called %s; the beginning of an id has at least 4 digits (slipway runs lists them)", p.config.Project, name)
	}
	return usagef("project %s has no run called %s, and none whose id begins so (slipway runs lists them)", p.config.Project, name)
}
