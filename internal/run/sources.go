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
	// overlap is how far a live request reaches back before the newest line seen. The
	// cursors that servers return lose lines that arrive late.
	overlap = 10 * time.Second
	// activeWindow is how long after its last line a container counts as printing.
	activeWindow = time.Minute
	// drains is how often an incomplete archive is read again. silence is after how many
	// further readings an empty archive counts as final, since nothing was printed.
	drains, silence = 12, 6
	// maxLogFiles is the maximum number of files of an archive.
	maxLogFiles = 100_000
)

// query returns the query for the log of the run.
func (l *lines) query() polyaxon.LogQuery {
	return polyaxon.LogQuery{Namespace: l.target.Namespace, Project: l.target.Project, UUID: l.target.UUID, Kind: l.target.Kind}
}

// live requests the latest lines from the server and passes on what is new.
func (l *lines) live(ctx context.Context) error {
	began := l.client.Time()
	r := l.reading(false, l.since())
	err := l.ask(ctx, r)
	if err == nil && r.newContainers {
		err = l.ask(ctx, l.reading(false, time.Time{}))
	}
	if err == nil {
		l.read = began
	}
	return err
}

// ask requests live lines from r.since on.
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

// since returns the time from which to request live lines. It is chosen so that the
// response repeats some lines of each container that still prints.
func (l *lines) since() time.Time {
	var latest int64
	now := l.options.Clock.Now()
	oldest := int64(0)
	for _, s := range l.streams {
		if s.emitted == 0 {
			continue
		}
		latest = max(latest, s.newest)
		if now.Sub(s.heard) < activeWindow && (oldest == 0 || s.newest < oldest) {
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
	// If a node's clock is ahead, its lines are in the server's future. Servers that convert
	// the time into an age in seconds for Kubernetes fail for such a time. The lines since
	// the last response suffice, whatever the clock.
	if !l.read.IsZero() && l.read.Before(from) {
		from = l.read
	}
	return from.Add(-overlap)
}

// drain passes on the lines of the archive that are new. An archive may still grow for a
// while after the run has ended. So it is read until it has all lines that were passed
// on, and its files stay the same or two readings have the same number of lines. If it
// cannot be read, drain reports a note, not an error, since it is known how the run
// ended. started reports whether the run may have printed anything, and archives whether
// there will be an archive. If the pods' logs were read to their end, drain does not
// wait.
func (l *lines) drain(ctx context.Context, started bool, archives func() bool) error {
	last := -1
	for n := 0; ; n++ {
		before, patience := l.archived(ctx), l.options.Patience
		whole := l.whole && !l.anyGap()
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
		case r.total >= l.emitted() && l.settled(ctx, n, r.total, last, before, started):
			return nil
		case r.total == 0 && n == 0 && !archives():
			l.sink.Note("its operation sets collectLogs: false: lines that were not shown live are not archived")
			return nil
		case n >= drains:
			if l.anyGap() {
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

// settled reports whether the archive will not change any more, as far as can be seen.
func (l *lines) settled(ctx context.Context, n, total, last int, before string, started bool) bool {
	switch {
	case !started, total > 0 && total == last:
		return true
	case before != "" && before == l.archived(ctx):
		return true
	}
	return total == 0 && n >= silence
}

// emitted returns the number of lines of all containers that were passed on, without blank
// ones.
func (l *lines) emitted() int {
	sum := 0
	for _, s := range l.streams {
		sum += s.emitted
	}
	return sum
}

// anyGap reports whether lines of any container are missing.
func (l *lines) anyGap() bool {
	for _, s := range l.streams {
		if s.gap {
			return true
		}
	}
	return false
}

// archived returns the names and sizes of the archive's files, or "" if they are not
// known.
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

// archive reads all files of the archive: 2.x returns them in one response, 1.11.3 one by
// one. It retries a truncated response until there was nothing new for patience.
func (l *lines) archive(ctx context.Context, patience time.Duration) (*reading, error) {
	r, q, seen := l.reading(true, time.Time{}), l.query(), map[string]bool{}
	heard := l.options.Clock.Now()
	for n := 0; len(seen) < maxLogFiles; {
		total, told := r.total, l.emitted()
		page, err := l.client.ReadLogs(ctx, q, r.take)
		now := l.options.Clock.Now()
		if err == nil || l.emitted() > told {
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
		// The lines of a truncated response that were passed on must not be passed on again.
		l.flush()
		r.total, r.chunks = total, map[key]*chunk{}
		if err := l.pause(ctx, n); err != nil {
			return nil, err
		}
		n++
	}
	return nil, fmt.Errorf("the archive is in more than %d files", maxLogFiles)
}

// pause waits before attempt n, longer each time.
func (l *lines) pause(ctx context.Context, n int) error {
	return l.options.Clock.Sleep(ctx, min(20*time.Millisecond<<min(n, 6), l.options.Poll))
}

// Logs passes on the lines that a run has printed so far. It reads the pods if it can,
// and otherwise the server's live lines.
func Logs(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) error {
	l := newLines(c, t, o.filled(), sink)
	if o.Cluster != nil {
		if pods, err := o.Cluster.RunPods(ctx, t.UUID); err == nil && l.direct(ctx, o.Cluster, pods) {
			return ctx.Err()
		}
	}
	// There is only one request, so lines that the server leaves out cannot follow later.
	l.options.CompleteLive = true
	return l.live(ctx)
}
