package run

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// overlap is how far a live question reaches back behind the newest line
	// seen: servers give cursors that lose lines which arrive late.
	overlap = 10 * time.Second
	// lively is how long a container counts as one that prints, after its last line.
	lively = time.Minute
	// drains bounds how often an archive that is not complete is read again, and
	// silence how often one that is empty is when nothing was printed.
	drains, silence = 12, 6
	// maxLogFiles bounds how many files an archive may be in.
	maxLogFiles = 100_000
)

func (l *lines) query() polyaxon.LogQuery {
	return polyaxon.LogQuery{Namespace: l.target.Namespace, Project: l.target.Project, UUID: l.target.UUID, Kind: l.target.Kind}
}

// live asks the server for what was printed lately and tells what is new.
func (l *lines) live(ctx context.Context) error {
	began := l.client.Time()
	r := l.reading(false, l.since())
	err := l.ask(ctx, r)
	if err == nil && r.newcomers {
		err = l.ask(ctx, l.reading(false, time.Time{}))
	}
	if err == nil {
		l.read = began
	}
	return err
}

func (l *lines) ask(ctx context.Context, r *reading) error {
	q := l.query()
	if q.Live, q.LastTime = true, r.since; r.since.IsZero() {
		q.LastTime = time.Unix(0, 0)
	}
	if _, err := l.client.ReadLogs(ctx, q, r.take); err != nil {
		l.flush()
		return err
	}
	r.end()
	return nil
}

// since gives the time from which to ask for live lines: so that every container
// which prints repeats some of what was told.
func (l *lines) since() time.Time {
	var latest int64
	now := l.options.Clock.Now()
	oldest := int64(0)
	for _, s := range l.streams {
		if s.told == 0 {
			continue
		}
		latest = max(latest, s.newest)
		if now.Sub(s.heard) < lively && (oldest == 0 || s.newest < oldest) {
			oldest = s.newest
		}
	}
	if oldest == 0 {
		oldest = latest
	}
	if oldest == 0 {
		return time.Time{}
	}
	from := time.UnixMicro(oldest).UTC()
	// A node whose clock is fast prints in the server's future, and servers that turn
	// a time into seconds ago for Kubernetes fail at one. What was printed since the
	// last answer is all that is wanted, by whatever clock.
	if !l.read.IsZero() && l.read.Before(from) {
		from = l.read
	}
	return from.Add(-overlap)
}

// drain tells what the archive has and was not told before. An archive may be
// filled for a while after the end: it is read until its files stay as they are,
// or two readings are alike, and it holds what was told. That it cannot be read
// is told, and is no error: how the run ended is known. started tells whether the
// run may have printed anything, and archives whether there will be an archive. What
// was read from the pods to its end is waited for no more.
func (l *lines) drain(ctx context.Context, started bool, archives func() bool) error {
	last := -1
	for n := 0; ; n++ {
		before, patience := l.archived(ctx), l.options.Patience
		whole := l.whole && !l.anyTorn()
		if whole {
			patience = 0
		}
		r, err := l.archive(ctx, patience)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case whole:
			return nil
		case err != nil:
			l.sink.Note(fmt.Sprintf("the archived log cannot be read, lines may be missing: %v", err))
			return nil
		case r.total >= l.told() && l.settled(ctx, n, r.total, last, before, started):
			return nil
		case r.total == 0 && n == 0 && !archives():
			l.sink.Note("its operation has collectLogs: false, so that what was not shown while it ran is in no archive")
			return nil
		case n >= drains:
			if l.anyTorn() {
				l.sink.Note("the server's archive does not hold the end of the log: lines are missing")
			}
			return nil
		}
		last = r.total
		if err := l.pause(ctx, n); err != nil {
			return err
		}
	}
}

// settled tells whether the archive will not change any more, as far as can be seen.
func (l *lines) settled(ctx context.Context, n, total, last int, before string, started bool) bool {
	switch {
	case !started, total > 0 && total == last:
		return true
	case before != "" && before == l.archived(ctx):
		return true
	}
	return total == 0 && n >= silence
}

// told counts the lines of all containers that were told, without blank ones.
func (l *lines) told() int {
	sum := 0
	for _, s := range l.streams {
		sum += s.told
	}
	return sum
}

func (l *lines) anyTorn() bool {
	for _, s := range l.streams {
		if s.torn {
			return true
		}
	}
	return false
}

// archived describes the files of the archive, "" when they are not known.
func (l *lines) archived(ctx context.Context) string {
	files, _, err := l.client.Tree(ctx, l.target.artifact("plxlogs"))
	if err != nil || len(files) == 0 {
		return ""
	}
	var sizes []string
	for name, size := range files {
		sizes = append(sizes, fmt.Sprintf("%s %d", name, size))
	}
	sort.Strings(sizes)
	return strings.Join(sizes, "\n")
}

// archive reads all files of the archive: 2.x gives one answer, 1.11.3 one file
// after the other. An answer that was cut is asked for again, until nothing
// comes for as long as patience.
func (l *lines) archive(ctx context.Context, patience time.Duration) (*reading, error) {
	r, q, seen := l.reading(true, time.Time{}), l.query(), map[string]bool{}
	heard := l.options.Clock.Now()
	for n := 0; len(seen) < maxLogFiles; {
		total, told := r.total, l.told()
		page, err := l.client.ReadLogs(ctx, q, r.take)
		now := l.options.Clock.Now()
		if err == nil || l.told() > told {
			heard, n = now, 0
		}
		switch {
		case err == nil && (page.LastFile == "" || seen[page.LastFile]):
			r.end()
			return r, nil
		case err == nil:
			q.LastFile = page.LastFile
			seen[page.LastFile] = true
			continue
		case ctx.Err() != nil, !polyaxon.Temporary(err), now.Sub(heard) >= patience:
			l.flush()
			return nil, err
		}
		// What was told of the answer before it was cut counts as told from now on.
		l.flush()
		r.total, r.chunks = total, map[key]*chunk{}
		if err := l.pause(ctx, n); err != nil {
			return nil, err
		}
		n++
	}
	return nil, fmt.Errorf("the archive is in more than %d files", maxLogFiles)
}

// pause waits before try n, longer each time.
func (l *lines) pause(ctx context.Context, n int) error {
	return l.options.Clock.Sleep(ctx, min(20*time.Millisecond<<min(n, 6), l.options.Poll))
}

// Logs tells the lines that a run has printed until now, once.
func Logs(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) error {
	l := newLines(c, t, o.filled(), sink)
	if o.Cluster != nil {
		if pods, err := o.Cluster.RunPods(ctx, t.UUID); err == nil && l.direct(ctx, o.Cluster, pods) {
			return ctx.Err()
		}
	}
	// One look is all there is: what the server leaves out stays out.
	l.options.Whole = true
	return l.live(ctx)
}
