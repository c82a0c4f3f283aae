// Package run takes an operation to its true end: it is submitted exactly once,
// followed through whatever the network does, stopped when it must be, and its
// outcome told.
package run

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sort"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// The keys of a run's meta_info that slipway writes. Values begin with a letter:
// servers do not find values that look like numbers.
const (
	// MetaKey holds the deploy key, by which a run is found again.
	MetaKey = "slipway"
	// MetaAttempt tells one submission from another of the same key.
	MetaAttempt = "slipway_attempt"
)

// tries is how often a submission whose end is unknown is looked up and sent again.
const tries = 5

// Submission is what to submit.
type Submission struct {
	Project, Name string
	// Content is the operation, as JSON.
	Content string
	// Key is the deploy key: the same inputs have the same. It must not look like
	// a number.
	Key      string
	Tags     []string
	MetaInfo map[string]any
	// Rerun submits although a run succeeded, or goes on, for the key.
	Rerun bool
}

// How says how a submission came to its run.
type How int

// The ways to a run.
const (
	// Created: a new run was made.
	Created How = iota
	// Attached: a run with the key goes on.
	Attached
	// UpToDate: a run with the key succeeded.
	UpToDate
)

// Submitted is the run that a submission has.
type Submitted struct {
	Run polyaxon.Run
	How How
}

// Submit sees to it that exactly one run for the key goes on, or has succeeded:
// it looks one up before it creates one, after every error that leaves open
// whether it was created, and once more afterwards, when of several that were
// created at the same moment the oldest stays and the others are stopped. A run
// that failed or was stopped does not count.
func Submit(ctx context.Context, c *polyaxon.Client, s Submission) (*Submitted, error) {
	if !s.Rerun {
		found, err := Find(ctx, c, s.Project, s.Key)
		if err != nil && !polyaxon.IsNotFound(err) {
			return nil, fmt.Errorf("look for a run of these inputs: %w", err)
		}
		if found != nil {
			return attached(found), nil
		}
	}
	attempt, err := nonce()
	if err != nil {
		return nil, err
	}
	created, err := create(ctx, c, s, attempt)
	if err != nil {
		return nil, err
	}
	if s.Rerun {
		return &Submitted{Run: *created, How: Created}, nil
	}
	return settle(ctx, c, s, created)
}

// create makes the run, or finds the one that an attempt made whose answer was lost.
func create(ctx context.Context, c *polyaxon.Client, s Submission, attempt string) (*polyaxon.Run, error) {
	meta := map[string]any{MetaKey: s.Key, MetaAttempt: attempt}
	for key, value := range s.MetaInfo {
		meta[key] = value
	}
	request := polyaxon.CreateRun{Content: s.Content, Name: s.Name, Tags: s.Tags, MetaInfo: meta}
	for n := 0; ; n++ {
		created, err := c.CreateRun(ctx, s.Project, request)
		if err == nil {
			return whole(ctx, c, s.Project, created), nil
		}
		if !polyaxon.Temporary(err) || ctx.Err() != nil {
			return nil, err
		}
		// The answer was lost, or was a failure that may have come after the run
		// was made.
		if runs, found := list(ctx, c, s.Project, MetaAttempt, attempt); found == nil && len(runs) > 0 {
			return &runs[0], nil
		} else if found != nil && !polyaxon.Temporary(found) {
			return nil, fmt.Errorf("%w; then, when looking whether the run exists: %w", err, found)
		}
		if n+1 == tries {
			return nil, err
		}
		if err := pause(ctx, 200*time.Millisecond<<n); err != nil {
			return nil, err
		}
	}
}

// whole gives a run with all that a server tells of it: 1.11.3 answers a create
// without status and kind.
func whole(ctx context.Context, c *polyaxon.Client, project string, created *polyaxon.Run) *polyaxon.Run {
	if asked, err := c.Run(ctx, project, created.UUID); err == nil {
		return asked
	}
	return created
}

// settle lets the oldest of the runs that go on for a key be the one.
func settle(ctx context.Context, c *polyaxon.Client, s Submission, created *polyaxon.Run) (*Submitted, error) {
	runs, err := list(ctx, c, s.Project, MetaKey, s.Key)
	if err != nil {
		// The run exists; that there may be a twin is no reason to lose it.
		return &Submitted{Run: *created, How: Created}, nil //nolint:nilerr // see above
	}
	for i := range runs {
		older := &runs[i]
		if older.UUID == created.UUID {
			break // none is older
		}
		if older.Status.Terminal() && older.Status != polyaxon.Succeeded {
			continue
		}
		if err := c.Stop(ctx, s.Project, created.UUID); err != nil {
			return nil, fmt.Errorf("stop run %s, the twin of run %s: %w", created.UUID, older.UUID, err)
		}
		return attached(older), nil
	}
	return &Submitted{Run: *created, How: Created}, nil
}

func attached(r *polyaxon.Run) *Submitted {
	if r.Status == polyaxon.Succeeded {
		return &Submitted{Run: *r, How: UpToDate}
	}
	return &Submitted{Run: *r, How: Attached}
}

// Find gives the run that counts for a key: the newest that succeeded, or the
// oldest that goes on. It is nil when there is none.
func Find(ctx context.Context, c *polyaxon.Client, project, key string) (*polyaxon.Run, error) {
	runs, err := list(ctx, c, project, MetaKey, key)
	if err != nil {
		return nil, err
	}
	var alive, succeeded *polyaxon.Run
	for i := range runs {
		r := &runs[i]
		switch {
		case r.Status == polyaxon.Succeeded:
			succeeded = r
		case !r.Status.Terminal() && r.Status != polyaxon.Stopping && alive == nil:
			alive = r
		}
	}
	if succeeded != nil {
		return succeeded, nil
	}
	return alive, nil
}

// list gives the runs whose meta_info has value under key, oldest first.
func list(ctx context.Context, c *polyaxon.Client, project, key, value string) ([]polyaxon.Run, error) {
	found, _, err := c.Runs(ctx, project, polyaxon.Query{Query: "meta_info." + key + ":" + value, Sort: "-created_at", Limit: 100})
	if err != nil {
		return nil, err
	}
	sort.SliceStable(found, func(i, j int) bool {
		a, b := &found[i], &found[j]
		if a.CreatedAt.Equal(b.CreatedAt) {
			return a.UUID < b.UUID
		}
		return a.CreatedAt.Before(b.CreatedAt)
	})
	return found, nil
}

func nonce() (string, error) {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make a name for the attempt: %w", err)
	}
	return "a-" + hex.EncodeToString(random), nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
