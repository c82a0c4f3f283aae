package run

import (
	"context"
	"sort"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// overlap is how far a live question reaches back behind the newest line
	// seen: servers give cursors that lose lines which arrive late.
	overlap = 10 * time.Second
	// tail is how many last lines an outcome keeps.
	tail = 20
	// drains bounds how often the archive is asked for until it stays the same.
	drains = 8
)

// lines tells every line of a run once, in order, out of answers that repeat and
// lose some: live ones are the server's best effort, the archive is whole.
type lines struct {
	client  *polyaxon.Client
	target  Target
	options FollowOptions
	sink    Sink

	newest time.Time
	// told counts the lines that were told, as a multiset.
	told  map[polyaxon.LogLine]int
	final []string
}

func newLines(c *polyaxon.Client, t Target, o FollowOptions, sink Sink) *lines {
	return &lines{client: c, target: t, options: o, sink: sink, told: map[polyaxon.LogLine]int{}}
}

// live asks for what was printed lately and tells what is new.
func (l *lines) live(ctx context.Context) error {
	since := time.Unix(0, 0)
	if !l.newest.IsZero() {
		since = l.newest.Add(-overlap)
	}
	page, err := l.client.Logs(ctx, polyaxon.LogQuery{
		Namespace: l.target.Namespace, Project: l.target.Project, UUID: l.target.UUID, Kind: l.target.Kind, Live: true, LastTime: since,
	})
	if err != nil {
		return err
	}
	l.tell(page.Lines)
	return nil
}

// drain tells what the archive has and was not told live. An archive may be
// filled for a while after the end: it is asked until it says the same twice.
func (l *lines) drain(ctx context.Context) error {
	before := -1
	for n := range drains {
		archived, err := l.archive(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !polyaxon.Temporary(err):
			return err
		case err == nil:
			l.tell(archived)
			if len(archived) == before && (len(archived) > 0 || n >= 2) {
				return nil
			}
			before = len(archived)
		}
		if err := l.options.Clock.Sleep(ctx, min(20*time.Millisecond<<n, l.options.Poll)); err != nil {
			return err
		}
	}
	return nil
}

// archive reads all files of the archive: 2.x gives one answer, 1.11.3 one file
// after the other.
func (l *lines) archive(ctx context.Context) ([]polyaxon.LogLine, error) {
	var all []polyaxon.LogLine
	file := ""
	for range 10_000 {
		page, err := l.client.Logs(ctx, polyaxon.LogQuery{
			Namespace: l.target.Namespace, Project: l.target.Project, UUID: l.target.UUID, Kind: l.target.Kind, LastFile: file,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Lines...)
		if page.LastFile == "" || page.LastFile == file {
			break
		}
		file = page.LastFile
	}
	return all, nil
}

// tell passes on the lines that were not told yet, by time.
func (l *lines) tell(page []polyaxon.LogLine) {
	count := map[polyaxon.LogLine]int{}
	var fresh []polyaxon.LogLine
	for _, line := range page {
		if !l.options.AllContainers && !main(line.Container) {
			continue
		}
		line.Node = "" // the archive may name it where the live answer does not
		line.Timestamp = line.Timestamp.UTC().Truncate(time.Microsecond)
		count[line]++
		if count[line] > l.told[line] {
			fresh = append(fresh, line)
		}
	}
	sort.SliceStable(fresh, func(i, j int) bool { return fresh[i].Timestamp.Before(fresh[j].Timestamp) })
	for _, line := range fresh {
		l.told[line]++
		if line.Timestamp.After(l.newest) {
			l.newest = line.Timestamp
		}
		l.sink.Line(line)
		l.final = append(l.final, Sanitize(line.Value))
		if len(l.final) > tail {
			l.final = l.final[1:]
		}
	}
}

func (l *lines) last() []string { return l.final }

// main tells whether a container is the one that runs the user's program, by the
// names that Polyaxon gives them.
func main(container string) bool {
	switch container {
	case "polyaxon-main", "tensorflow", "pytorch", "mpi", "":
		return true
	}
	return false
}

// Logs tells the lines that a run has printed until now, once.
func Logs(ctx context.Context, c *polyaxon.Client, t Target, o FollowOptions, sink Sink) error {
	return newLines(c, t, o.filled(), sink).live(ctx)
}
