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
	// pageSize is how many runs are asked for at once: 1.11.3 gives no more.
	pageSize = 100
	// maxListed bounds how many runs are looked through.
	maxListed = 10_000
	// settleLimit is how long an unsettled run is looked after: as long as a
	// request without an answer may still be at work.
	settleLimit = 2 * time.Minute
)

// Find gives the run that counts for a submission's key, nil when there is none:
// the newest that succeeded, or the oldest that goes on. It changes nothing.
func Find(ctx context.Context, c *polyaxon.Client, s Submission) (*polyaxon.Run, error) {
	runs, err := list(ctx, c, s, keyed(s))
	if err != nil {
		return nil, err
	}
	winner, _ := choose(runs)
	return winner, nil
}

// Settle looks after a run that Submit left unsettled: for 2 minutes, or until
// ctx ends, it looks for twins, more and more rarely, and stops all but the
// oldest. Follow sees it when that stops the run itself; Elder then tells which
// run counts.
func Settle(ctx context.Context, c *polyaxon.Client, s Submission, submitted *Submitted) {
	t := again(c, s, submitted)
	for wait, waited := time.Second, time.Duration(0); waited < settleLimit; waited, wait = waited+wait, wait*2 {
		if t.Sleep(ctx, wait) != nil {
			return
		}
		if runs, err := list(ctx, c, s, t.group()); err == nil { // what fails now is tried again
			_, twins := elect(runs, t.Rerun)
			_ = t.stop(ctx, twins)
		}
	}
}

// Elder gives the run that is older than a submission's own and goes on, or has
// succeeded, for the same inputs: the one for which that was stopped. It is nil
// when there is none.
func Elder(ctx context.Context, c *polyaxon.Client, s Submission, submitted *Submitted) (*Submitted, error) {
	runs, err := list(ctx, c, s, again(c, s, submitted).group())
	if err != nil {
		return nil, err
	}
	for i := range runs {
		switch r := &runs[i]; {
		case r.UUID == submitted.Run.UUID:
			return nil, nil
		case alive(r) || r.Status == polyaxon.Succeeded:
			return attached(r), nil
		}
	}
	return nil, nil
}

// again is the submitter of a submission that was made before.
func again(c *polyaxon.Client, s Submission, submitted *Submitted) *submitter {
	t := &submitter{client: c, Submission: s, attempt: submitted.attempt}
	if t.Sleep == nil {
		t.Sleep = clock.Wait
	}
	return t
}

// group names runs by the values that one key of their meta_info may have.
type group struct {
	key    string
	values []string
}

// has reports whether a run is one of the group.
func (g group) has(r *polyaxon.Run) bool {
	value, _ := r.MetaInfo[g.key].(string)
	return slices.Contains(g.values, value)
}

// keyed is the group of all runs of a submission's inputs.
func keyed(s Submission) group {
	return group{MetaKey, append([]string{s.Key}, s.FormerKeys...)}
}

// attempted is the group of the runs that one attempt made.
func attempted(attempt string) group { return group{MetaAttempt, []string{attempt}} }

// group is the runs that one must be left of. A rerun has a run of its own,
// which only its own repeated requests can have twins of.
func (t *submitter) group() group {
	if t.Rerun {
		return attempted(t.attempt)
	}
	return keyed(t.Submission)
}

// find gives the run that counts for the key, and stops its younger twins, which
// killed submitters left behind.
func (t *submitter) find(ctx context.Context) (*Submitted, error) {
	runs, err := list(ctx, t.client, t.Submission, keyed(t.Submission))
	if err != nil {
		return nil, err
	}
	winner, twins := choose(runs)
	if winner == nil {
		return nil, nil
	}
	found := attached(winner)
	found.Unsettled = !t.stop(ctx, twins)
	return found, nil
}

// settle lets the oldest of the runs that go on be the one.
func (t *submitter) settle(ctx context.Context, made *Submitted) *Submitted {
	runs, listed := t.listWith(ctx, made.Run.UUID)
	if listed == nil {
		made.Unsettled = true
		return made
	}
	made.Run.CreatedAt = listed.CreatedAt // 1.11.3 does not tell it when it makes a run
	winner, twins := elect(runs, t.Rerun)
	switch {
	case winner == nil:
		return made // it has failed already: Follow tells
	case winner.UUID == made.Run.UUID:
		made.Unsettled = !t.stop(ctx, twins) || made.Unsettled
		return made
	case !older(winner, &made.Run):
		return made
	}
	// The others of the twins stop themselves.
	stopped := t.stop(ctx, []*polyaxon.Run{&made.Run})
	won := attached(winner)
	if won.attempt = t.attempt; winner.MetaInfo[MetaAttempt] == t.attempt {
		won.How = Created
	}
	won.Unsettled = !stopped || made.Unsettled
	return won
}

// listWith lists until the run that was made is in the list, and gives it, nil
// when it never was: a server may answer from a copy of its database that lags.
func (t *submitter) listWith(ctx context.Context, uuid string) (runs []polyaxon.Run, own *polyaxon.Run) {
	for n := range 4 {
		found, err := list(ctx, t.client, t.Submission, t.group())
		if err == nil && n > 0 && named(found, uuid) == nil {
			// Or it does not search meta_info, and says so by finding nothing.
			found, err = byName(ctx, t.client, t.Submission, t.group())
		}
		if err == nil {
			if own = named(found, uuid); own != nil {
				return found, own
			}
		}
		if t.Sleep(ctx, 50*time.Millisecond<<n) != nil {
			break
		}
	}
	return nil, nil
}

// stop stops runs and tells whether all were.
func (t *submitter) stop(ctx context.Context, twins []*polyaxon.Run) bool {
	all := true
	for _, twin := range twins {
		all = t.client.Stop(ctx, t.Project, twin.UUID) == nil && all
	}
	return all
}

// choose gives the run that counts, nil when there is none, and the runs that go
// on beside it: those that are younger and that nobody asked for on purpose.
func choose(runs []polyaxon.Run) (winner *polyaxon.Run, twins []*polyaxon.Run) {
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

// elect gives the oldest run that goes on, and its twins.
func elect(runs []polyaxon.Run, rerun bool) (winner *polyaxon.Run, twins []*polyaxon.Run) {
	for i := range runs {
		if alive(&runs[i]) || runs[i].Status == polyaxon.Succeeded {
			return &runs[i], younger(runs, &runs[i], rerun)
		}
	}
	return nil, nil
}

func younger(runs []polyaxon.Run, winner *polyaxon.Run, rerun bool) []*polyaxon.Run {
	if forced(winner) != rerun {
		return nil
	}
	var twins []*polyaxon.Run
	for i := range runs {
		if r := &runs[i]; alive(r) && forced(r) == rerun && older(winner, r) {
			twins = append(twins, r)
		}
	}
	return twins
}

func forced(r *polyaxon.Run) bool { return r.MetaInfo[MetaRerun] != nil }

// alive tells whether a run goes on. One that is stopping has no future.
func alive(r *polyaxon.Run) bool {
	return !r.Status.Terminal() && r.Status != polyaxon.Stopping
}

// order orders runs, the oldest first, as every submitter does: by the server's own
// times. Clocks of the submitters have no say.
func order(a, b polyaxon.Run) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.UUID, b.UUID))
}

func older(a, b *polyaxon.Run) bool { return order(*a, *b) < 0 }

func attached(r *polyaxon.Run) *Submitted {
	if r.Status == polyaxon.Succeeded {
		return &Submitted{Run: *r, How: UpToDate}
	}
	return &Submitted{Run: *r, How: Attached}
}

// named gives the run of this UUID, nil when it is not in the list.
func named(runs []polyaxon.Run, uuid string) *polyaxon.Run {
	for i := range runs {
		if runs[i].UUID == uuid {
			return &runs[i]
		}
	}
	return nil
}

// list gives the runs of a group, oldest first. Deleted runs are in no list, and of a
// lasting submission those that succeeded are not.
func list(ctx context.Context, c *polyaxon.Client, s Submission, g group) ([]polyaxon.Run, error) {
	var runs []polyaxon.Run
	for _, value := range g.values {
		found, err := pages(ctx, c, s.Project, "meta_info."+g.key+":"+value)
		if polyaxon.Refused(err) && !polyaxon.IsNotFound(err) && s.Name != "" {
			return byName(ctx, c, s, g) // a server that does not search meta_info
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, found...)
	}
	slices.SortStableFunc(runs, order)
	return counting(runs, s), nil
}

// byName is list for servers that do not search meta_info.
func byName(ctx context.Context, c *polyaxon.Client, s Submission, g group) ([]polyaxon.Run, error) {
	all, err := pages(ctx, c, s.Project, "name:"+s.Name)
	mine := slices.DeleteFunc(all, func(r polyaxon.Run) bool { return !g.has(&r) })
	return counting(mine, s), err
}

// counting leaves out the runs that cannot count for a submission.
func counting(runs []polyaxon.Run, s Submission) []polyaxon.Run {
	if !s.Lasting {
		return runs
	}
	return slices.DeleteFunc(runs, func(r polyaxon.Run) bool { return r.Status == polyaxon.Succeeded })
}

// pages gives all runs that a query finds, oldest first.
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
		if len(all) > maxListed {
			return nil, fmt.Errorf("project %s has more than %d runs for %q", project, maxListed, query)
		}
	}
	slices.SortStableFunc(all, order)
	return all, nil
}
