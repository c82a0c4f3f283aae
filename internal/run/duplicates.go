package run

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// pageSize is the number of runs in one request, the maximum of 1.11.3.
	pageSize = 100
	// maxListed is the maximum number of runs that are read.
	maxListed = 10_000
	// settleLimit is how long to look for duplicates of an unsettled run: as long as a
	// server may still be processing a request without a response.
	settleLimit = 2 * time.Minute
)

// Find returns the run that counts for a submission's key: the newest that succeeded, or
// else the oldest that is active. It returns nil if there is none. It changes nothing.
func Find(ctx context.Context, c *polyaxon.Client, s Submission) (*polyaxon.Run, error) {
	runs, err := list(ctx, c, s, byKey(s))
	if err != nil {
		return nil, err
	}
	winner, _ := choose(runs)
	return winner, nil
}

// Settle looks for duplicates of a run that Submit left unsettled, and stops all but the
// oldest run. It looks less and less often, for 2 minutes or until ctx ends. It may stop
// the submitted run itself, which Follow then reports. OlderRun returns the run that counts
// in that case.
func Settle(ctx context.Context, c *polyaxon.Client, s Submission, submitted *Submitted) {
	t := submitterOf(c, s, submitted)
	for wait, waited := time.Second, time.Duration(0); waited < settleLimit; waited, wait = waited+wait, wait*2 {
		if t.Sleep(ctx, wait) != nil {
			return
		}
		if runs, err := list(ctx, c, s, t.group()); err == nil { // what fails now is tried again
			_, duplicates := elect(runs, t.Rerun)
			_ = t.stop(ctx, duplicates)
		}
	}
}

// OlderRun returns the run for the same inputs that is older than a submission's own and is
// active or has succeeded. It is the run in favor of which the submission's own run was
// stopped. OlderRun returns nil if there is none.
func OlderRun(ctx context.Context, c *polyaxon.Client, s Submission, submitted *Submitted) (*Submitted, error) {
	runs, err := list(ctx, c, s, submitterOf(c, s, submitted).group())
	if err != nil {
		return nil, err
	}
	for i := range runs {
		switch r := &runs[i]; {
		case r.UUID == submitted.Run.UUID:
			return nil, nil
		case isActive(r) || r.Status == polyaxon.Succeeded:
			return attached(r), nil
		}
	}
	return nil, nil
}

// submitterOf returns the submitter of an earlier submission.
func submitterOf(c *polyaxon.Client, s Submission, submitted *Submitted) *submitter {
	t := &submitter{client: c, Submission: s, attempt: submitted.attempt}
	if t.Sleep == nil {
		t.Sleep = clock.Sleep
	}
	return t
}

// runGroup selects runs by the values of one key in their meta_info.
type runGroup struct {
	key    string
	values []string
}

// has reports whether a run belongs to the group.
func (g runGroup) has(r *polyaxon.Run) bool {
	value, _ := r.MetaInfo[g.key].(string)
	return slices.Contains(g.values, value)
}

// byKey returns the group of all runs for a submission's inputs.
func byKey(s Submission) runGroup {
	return runGroup{MetaKey, append([]string{s.Key}, s.FormerKeys...)}
}

// byAttempt returns the group of the runs that one attempt created.
func byAttempt(attempt string) runGroup { return runGroup{MetaAttempt, []string{attempt}} }

// group returns the group of runs of which only one may remain. A rerun has its own run,
// so that only its own repeated requests can create duplicates.
func (t *submitter) group() runGroup {
	if t.Rerun {
		return byAttempt(t.attempt)
	}
	return byKey(t.Submission)
}

// find returns the run that counts for the key. It stops younger duplicates, which may be
// left by submitters that were killed.
func (t *submitter) find(ctx context.Context) (*Submitted, error) {
	runs, err := list(ctx, t.client, t.Submission, byKey(t.Submission))
	if err != nil {
		return nil, err
	}
	winner, duplicates := choose(runs)
	if winner == nil {
		return nil, nil
	}
	found := attached(winner)
	found.Unsettled = !t.stop(ctx, duplicates)
	return found, nil
}

// settle keeps the oldest active run of the group. It stops the younger duplicates, or
// the new run if there is an older one.
func (t *submitter) settle(ctx context.Context, made *Submitted) *Submitted {
	runs, listed := t.listWith(ctx, made.Run.UUID)
	if listed == nil {
		made.Unsettled = true
		return made
	}
	made.Run.CreatedAt = listed.CreatedAt // 1.11.3 does not return it when it creates a run
	winner, duplicates := elect(runs, t.Rerun)
	switch {
	case winner == nil:
		return made // it has failed already, which Follow reports
	case winner.UUID == made.Run.UUID:
		made.Unsettled = !t.stop(ctx, duplicates) || made.Unsettled
		return made
	case !older(winner, &made.Run):
		return made
	}
	// The other duplicates are stopped by their own submitters.
	stopped := t.stop(ctx, []*polyaxon.Run{&made.Run})
	won := attached(winner)
	if won.attempt = t.attempt; winner.MetaInfo[MetaAttempt] == t.attempt {
		won.How = Created
	}
	won.Unsettled = !stopped || made.Unsettled
	return won
}

// listWith lists the group until the new run is in the list, and returns both. own is nil
// if the run does not appear: a server may respond from a replica of its database that
// lags behind.
func (t *submitter) listWith(ctx context.Context, uuid string) (runs []polyaxon.Run, own *polyaxon.Run) {
	for n := range 4 {
		found, err := list(ctx, t.client, t.Submission, t.group())
		if err == nil && n > 0 && findByUUID(found, uuid) == nil {
			// The server may not support searching meta_info, and return no runs for it.
			found, err = byName(ctx, t.client, t.Submission, t.group())
		}
		if err == nil {
			if own = findByUUID(found, uuid); own != nil {
				return found, own
			}
		}
		if t.Sleep(ctx, 50*time.Millisecond<<n) != nil {
			break
		}
	}
	return nil, nil
}

// stop stops runs and reports whether all requests succeeded.
func (t *submitter) stop(ctx context.Context, duplicates []*polyaxon.Run) bool {
	all := true
	for _, duplicate := range duplicates {
		all = t.client.Stop(ctx, t.Project, duplicate.UUID) == nil && all
	}
	return all
}

// choose returns the run that counts, or nil if there is none, and its duplicates: the
// active runs that are younger and are not reruns.
func choose(runs []polyaxon.Run) (winner *polyaxon.Run, duplicates []*polyaxon.Run) {
	for i := range runs {
		if runs[i].Status == polyaxon.Succeeded {
			winner = &runs[i]
		}
	}
	if winner == nil {
		return elect(runs, false)
	}
	return winner, younger(runs, winner, false)
}

// elect returns the oldest run that is active or has succeeded, and its duplicates.
func elect(runs []polyaxon.Run, rerun bool) (winner *polyaxon.Run, duplicates []*polyaxon.Run) {
	for i := range runs {
		if isActive(&runs[i]) || runs[i].Status == polyaxon.Succeeded {
			return &runs[i], younger(runs, &runs[i], rerun)
		}
	}
	return nil, nil
}

// younger returns the active runs that are younger than winner and of the same kind:
// reruns if rerun is true, and others if not. It returns nil if winner itself is of the
// other kind.
func younger(runs []polyaxon.Run, winner *polyaxon.Run, rerun bool) []*polyaxon.Run {
	if isRerun(winner) != rerun {
		return nil
	}
	var duplicates []*polyaxon.Run
	for i := range runs {
		if r := &runs[i]; isActive(r) && isRerun(r) == rerun && older(winner, r) {
			duplicates = append(duplicates, r)
		}
	}
	return duplicates
}

// isRerun reports whether a run is a rerun.
func isRerun(r *polyaxon.Run) bool { return r.MetaInfo[MetaRerun] != nil }

// isActive reports whether a run is active: it has not ended and is not stopping.
func isActive(r *polyaxon.Run) bool {
	return !r.Status.Terminal() && r.Status != polyaxon.Stopping
}

// order compares runs by age, oldest first. All submitters use the same order, which
// depends on the server's times and not on their own clocks.
func order(a, b polyaxon.Run) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.UUID, b.UUID))
}

// older reports whether a comes before b.
func older(a, b *polyaxon.Run) bool { return order(*a, *b) < 0 }

// attached returns an existing run as that of a submission.
func attached(r *polyaxon.Run) *Submitted {
	if r.Status == polyaxon.Succeeded {
		return &Submitted{Run: *r, How: UpToDate}
	}
	return &Submitted{Run: *r, How: Attached}
}

// findByUUID returns the run with the UUID, or nil if it is not in the list.
func findByUUID(runs []polyaxon.Run, uuid string) *polyaxon.Run {
	for i := range runs {
		if runs[i].UUID == uuid {
			return &runs[i]
		}
	}
	return nil
}

// list returns the runs of a group, oldest first. It leaves out runs that do not count
// for the submission. Servers do not list deleted runs.
func list(ctx context.Context, c *polyaxon.Client, s Submission, g runGroup) ([]polyaxon.Run, error) {
	var runs []polyaxon.Run
	for _, value := range g.values {
		found, err := pages(ctx, c, s.Project, "meta_info."+g.key+":"+value)
		if polyaxon.Refused(err) && !polyaxon.IsNotFound(err) && s.Name != "" {
			return byName(ctx, c, s, g) // a server that cannot search meta_info
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, found...)
	}
	slices.SortStableFunc(runs, order)
	return candidates(runs, s), nil
}

// byName is list for servers that cannot search meta_info.
func byName(ctx context.Context, c *polyaxon.Client, s Submission, g runGroup) ([]polyaxon.Run, error) {
	all, err := pages(ctx, c, s.Project, "name:"+s.Name)
	mine := slices.DeleteFunc(all, func(r polyaxon.Run) bool { return !g.has(&r) })
	return candidates(mine, s), err
}

// candidates returns the runs that may count for a submission.
func candidates(runs []polyaxon.Run, s Submission) []polyaxon.Run {
	if !s.Service {
		return runs
	}
	return slices.DeleteFunc(runs, func(r polyaxon.Run) bool { return r.Status == polyaxon.Succeeded })
}

// pages returns all runs that match a query, oldest first.
func pages(ctx context.Context, c *polyaxon.Client, project, query string) ([]polyaxon.Run, error) {
	var all []polyaxon.Run
	seen := map[string]bool{} // a run that appears meanwhile moves others to the next page
	for offset := 0; ; offset += pageSize {
		page, count, err := c.Runs(ctx, project, polyaxon.Query{Query: query, Sort: "-created_at", Limit: pageSize, Offset: offset})
		if err != nil {
			return nil, err
		}
		for i := range page {
			if !seen[page[i].UUID] {
				seen[page[i].UUID] = true
				all = append(all, page[i])
			}
		}
		if len(page) == 0 || offset+len(page) >= count {
			break
		}
		if len(all) > maxListed || offset > maxListed {
			return nil, fmt.Errorf("project %s has more than %d runs for %q", project, maxListed, query)
		}
	}
	slices.SortStableFunc(all, order)
	return all, nil
}
