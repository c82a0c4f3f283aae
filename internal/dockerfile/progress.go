package dockerfile

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Event is the kind of an event of a step.
type Event string

// The events. A step is Started once, and then Cached, Done or Failed. In between, it has
// lines of output (Log) and progress in bytes (Transferred).
const (
	Started     Event = "started"
	Cached      Event = "cached"
	Done        Event = "done"
	Failed      Event = "failed"
	Log         Event = "log"
	Transferred Event = "moved"
)

// Progress is one event of a build, as BuildKit and the steps report it. Secrets in it are
// not masked: the caller must do that before printing.
type Progress struct {
	Event Event
	// Step is the step as BuildKit names it, such as [stage 2/4] RUN make.
	Step string
	// Line is a line of the step's output, for Log, without the line end.
	Line string
	// What is the item that is transferred, for Transferred: a layer's digest, or files of the
	// context. Bytes is the number of bytes transferred, out of Total. Total is 0 while it
	// is unknown.
	What         string
	Bytes, Total int64
	// Took is the duration of the step, for Done and Failed.
	Took time.Duration
}

const (
	// lastLines is the number of lines of a failed step's output in an error.
	lastLines = 30
	// lineBytes is how much of a line is shown, and heldBytes how much is buffered.
	lineBytes = 4 << 10
	heldBytes = 2 * lineBytes
)

// step is the state of one step.
type step struct {
	name           string
	started, ended bool
	cached         bool
	unfinished     []byte // a line that is not complete
	last           []string
}

// watcher turns BuildKit's statuses into events. One goroutine feeds it.
type watcher struct {
	tell   func(Progress)
	steps  map[string]*step
	order  []*step
	failed *step
}

func newWatcher(tell func(Progress)) *watcher {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &watcher{tell: tell, steps: map[string]*step{}}
}

// watch reads statuses until the channel is closed.
func (w *watcher) watch(statuses <-chan *client.SolveStatus) {
	for status := range statuses {
		for _, v := range status.Vertexes {
			w.vertex(v)
		}
		for _, s := range status.Statuses {
			w.tell(Progress{Event: Transferred, Step: w.step(s.Vertex.String()).name, What: s.ID, Bytes: s.Current, Total: s.Total})
		}
		for _, l := range status.Logs {
			w.log(w.step(l.Vertex.String()), l.Data)
		}
	}
}

// step returns the state of a step. Log lines may come before the step itself.
func (w *watcher) step(id string) *step {
	s := w.steps[id]
	if s == nil {
		s = &step{}
		w.steps[id] = s
		w.order = append(w.order, s)
	}
	return s
}

func (w *watcher) vertex(v *client.Vertex) {
	s := w.step(v.Digest.String())
	s.name = v.Name
	if v.Started != nil && !s.started {
		s.started = true
		w.tell(Progress{Event: Started, Step: s.name})
	}
	if s.ended || (v.Completed == nil && !v.Cached) {
		return
	}
	s.ended, s.cached = true, v.Cached
	w.flush(s)
	var took time.Duration
	if v.Started != nil && v.Completed != nil {
		took = v.Completed.Sub(*v.Started)
	}
	switch {
	case v.Error != "":
		if w.failed == nil { // later failures are steps canceled because of this one
			w.failed = s
		}
		w.tell(Progress{Event: Failed, Step: s.name, Took: took})
	case v.Cached:
		w.tell(Progress{Event: Cached, Step: s.name})
	default:
		w.tell(Progress{Event: Done, Step: s.name, Took: took})
	}
}

// log splits the output of a step into lines. BuildKit sends it in arbitrary pieces.
func (w *watcher) log(s *step, text []byte) {
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		s.unfinished = append(s.unfinished, line[:min(len(line), heldBytes-len(s.unfinished))]...)
		// Of a progress bar only the last state is shown, which follows the last carriage
		// return.
		if at := bytes.LastIndexByte(bytes.TrimRight(s.unfinished, "\r"), '\r'); at >= 0 {
			s.unfinished = append(s.unfinished[:0], s.unfinished[at+1:]...)
		}
		if !found {
			return
		}
		w.line(s)
		text = rest
	}
}

// flush reports a last line without a line end.
func (w *watcher) flush(s *step) {
	if len(s.unfinished) > 0 {
		w.line(s)
	}
}

// line reports the current line as complete.
func (w *watcher) line(s *step) {
	line := strings.ToValidUTF8(string(bytes.TrimRight(s.unfinished, "\r")), "\uFFFD")
	if len(line) > lineBytes {
		line = strings.ToValidUTF8(line[:lineBytes], "") + "..."
	}
	s.unfinished = s.unfinished[:0]
	s.last = append(s.last, line)
	if len(s.last) > lastLines {
		s.last = s.last[len(s.last)-lastLines:]
	}
	w.tell(Progress{Event: Log, Step: s.name, Line: line})
}

// instruction matches the name of a step for an instruction of the Dockerfile other than
// FROM, which BuildKit does not cache: [build 2/3] RUN make. BuildKit's internal steps,
// such as [internal] load build context, have no number.
var instruction = lazyregexp.New(`^\[(?:.* )?\d+/\d+\] (?:[^F]|F[^R])`)

// counts returns the number of steps, and how many of them were in BuildKit's cache.
func (w *watcher) counts() (steps, cached int) {
	for _, s := range w.order {
		if !instruction.MatchString(s.name) {
			continue
		}
		steps++
		if s.cached {
			cached++
		}
	}
	return steps, cached
}

// from matches the name of the step for an image that a stage begins with or copies from:
// [build 1/2] FROM docker.io/library/golang:1@sha256:...
var from = lazyregexp.New(`(?:^|\] )FROM ([^\s@]+)@(sha256:[0-9a-f]{64})`)

// bases returns the base images, as references with digests, sorted.
func (w *watcher) bases() []string {
	var all []string
	for _, s := range w.order {
		if found := from.FindStringSubmatch(s.name); found != nil {
			repository := found[1]
			if colon := strings.LastIndex(repository, ":"); colon > strings.LastIndex(repository, "/") {
				repository = repository[:colon] // without the tag, which moves
			}
			all = append(all, repository+"@"+found[2])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// output returns the end of the failed step's output.
func (w *watcher) output() string {
	if w.failed == nil {
		return ""
	}
	return strings.Join(w.failed.last, "\n")
}
