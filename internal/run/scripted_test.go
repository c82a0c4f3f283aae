package run_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

const uuid = "0123456789abcdef0123456789abcdef"

// target returns the run of a scripted server.
func target() run.Target {
	return run.Target{Namespace: "ns", Project: "p", UUID: uuid, Kind: "job"}
}

// record is one line of a scripted server.
type record struct {
	at                    time.Time
	pod, container, value string
}

// scriptedServer is a Polyaxon server that follows a script. It behaves like 2.18 or 1.11.3.
type scriptedServer struct {
	t  testing.TB
	mu sync.Mutex
	// printed are the lines of all containers in the order of printing. The first shown of
	// them exist so far.
	printed []record
	shown   int
	// restarted is the number of a container's first lines that live responses leave out.
	restarted map[string]int
	// cap is the maximum number of last lines of a container in a live response, or 0 for
	// all.
	cap int
	// perFile is the number of lines in each file of the archive, or 0 for a single file.
	perFile int
	// archived is the number of lines in the archive.
	archived int
	// cut reports, at random, whether a response is truncated or fails.
	cut func() bool

	// streamsDown makes all requests but those to the API fail with 502.
	streamsDown bool

	// asked is called with the path of each request.
	asked func(path string)

	// sorted is the archive of the first sortedOf lines.
	sorted   []record
	sortedOf int
	// owned has the indexes of a container's lines in printed. encoded has the lines in
	// their encoded form, since most are in many live responses.
	owned   map[string][]int
	encoded [][]byte

	// overrides, when set, overrides fields of the run.
	overrides map[string]any

	status     string
	conditions []map[string]any
	// job is when the operator had created the run's job.
	job      string
	finished bool
	requests int
}

// reach sets the status as Polyaxon's operator does: its conditions have the transition
// time of its first one.
func (s *scriptedServer) reach(status, reason, message string) {
	s.status = status
	now := start.Add(time.Duration(len(s.conditions)) * time.Second).Format(time.RFC3339Nano)
	if s.job == "" && !slices.Contains([]string{"created", "compiled", "queued", "scheduled"}, status) {
		s.job = now
	}
	at := cmp.Or(s.job, now)
	s.conditions = append(s.conditions, map[string]any{"type": status, "reason": reason, "message": message, "status": "True", "last_update_time": now, "last_transition_time": at})
}

func (s *scriptedServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.asked != nil {
		s.asked(r.URL.Path)
	}
	if s.streamsDown && strings.HasPrefix(r.URL.Path, "/streams/") {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	var answer any
	var body []byte
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/statuses"):
		answer = map[string]any{"uuid": uuid, "status": s.status, "status_conditions": s.conditions}
	case strings.HasSuffix(path, "/logs"):
		body = s.logs(r)
	case strings.HasSuffix(path, "/artifacts/tree"):
		answer = map[string]any{"files": map[string]int{}, "dirs": []string{}}
	default:
		one := map[string]any{"uuid": uuid, "status": s.status, "name": "train", "created_at": start.Format(time.RFC3339Nano)}
		if s.finished {
			one["finished_at"] = start.Add(time.Hour).Format(time.RFC3339Nano)
		}
		maps.Copy(one, s.overrides)
		answer = one
	}
	if body == nil {
		var err error
		if body, err = json.Marshal(answer); err != nil {
			s.t.Error(err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if s.cut != nil && s.cut() {
		switch rand.IntN(3) { //nolint:gosec // the kind of fault does not matter
		case 0:
			w.WriteHeader(http.StatusInternalServerError)
			return
		case 1:
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)*2/3])
		return
	}
	_, _ = w.Write(body)
}

// logs returns live lines or the archive.
func (s *scriptedServer) logs(r *http.Request) []byte {
	since := r.URL.Query().Get("last_time")
	if since == "" {
		logs, next := s.archive(r.URL.Query().Get("last_file"))
		return page(logs, "", next)
	}
	from, err := time.Parse(time.RFC3339Nano, since)
	if err != nil {
		s.t.Errorf("last_time=%q: %v", since, err)
	}
	if s.owned == nil {
		s.owned, s.encoded = map[string][]int{}, make([][]byte, len(s.printed))
		for i, l := range s.printed {
			name := l.pod + "/" + l.container
			s.owned[name] = append(s.owned[name], i)
		}
	}
	var logs [][]byte
	for name, own := range s.owned {
		shown, _ := slices.BinarySearch(own, s.shown)
		own = own[min(shown, s.restarted[name]):shown]
		if s.cap > 0 {
			own = own[max(0, len(own)-s.cap):]
		}
		for _, i := range own {
			l := &s.printed[i]
			if !l.at.Truncate(time.Microsecond).After(from) {
				continue
			}
			if s.encoded[i] == nil {
				s.encoded[i] = l.sent(false)
			}
			logs = append(logs, s.encoded[i])
		}
	}
	return page(logs, time.Now().UTC().Format(time.RFC3339Nano), "")
}

// page returns a response with lines, and with where to continue.
func page(logs [][]byte, lastTime, lastFile string) []byte {
	text := func(s string) string {
		if s == "" {
			return "null"
		}
		return strconv.Quote(s)
	}
	head := fmt.Sprintf(`{"last_time": %s, "last_file": %s, "files": [], "logs": [`, text(lastTime), text(lastFile))
	return slices.Concat([]byte(head), bytes.Join(logs, []byte(",")), []byte("]}"))
}

func (l *record) sent(numeric bool) []byte {
	value, _ := json.Marshal(strings.TrimRight(l.value, " ")) // cannot fail for a string
	if number, err := strconv.ParseFloat(l.value, 64); err == nil && numeric {
		value = strconv.AppendFloat(nil, number, 'g', -1, 64)
	}
	return fmt.Appendf(nil, `{"timestamp": %q, "pod": %q, "container": %q, "value": %s}`,
		l.at.Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000+00:00"), l.pod, l.container, value)
}

// archive returns the encoded lines of the file after the given one, and the name of the
// next file. An archive has no blank lines, is sorted by time, and has numbers for lines
// that look like numbers.
func (s *scriptedServer) archive(after string) (logs [][]byte, next string) {
	if n := min(s.archived, s.shown); s.sorted == nil || s.sortedOf != n {
		s.sorted, s.sortedOf = slices.Clone(s.printed[:n]), n
		s.sorted = slices.DeleteFunc(s.sorted, func(l record) bool { return strings.TrimSpace(l.value) == "" })
		slices.SortStableFunc(s.sorted, func(a, b record) int { return a.at.Truncate(time.Microsecond).Compare(b.at.Truncate(time.Microsecond)) })
	}
	all := s.sorted
	if s.perFile > 0 {
		n := 0
		if after != "" {
			n, _ = strconv.Atoi(strings.TrimSuffix(after, ".plx"))
		}
		from, to := min(n*s.perFile, len(all)), min((n+1)*s.perFile, len(all))
		if to < len(all) {
			next = fmt.Sprintf("%d.plx", n+1)
		}
		all = all[from:to]
	}
	numeric := !slices.ContainsFunc(all, func(l record) bool { _, err := strconv.ParseFloat(l.value, 64); return err != nil })
	for i := range all {
		logs = append(logs, all[i].sent(numeric))
	}
	return logs, next
}

// start is when scripts begin.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// clock is a fake clock that advances instead of waiting, and runs a step of the script
// each time.
type clock struct {
	now  time.Time
	step func(n int)
	n    int
	// slept is the length of the last pause.
	slept time.Duration
	// due are the functions to call when their time has come.
	due []func()
}

// AfterFunc calls f when the clock has advanced by d.
func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	at, done := c.now.Add(d), false
	c.due = append(c.due, func() {
		if !done && !c.now.Before(at) {
			done = true
			f()
		}
	})
	return func() bool {
		stopped := !done
		done = true
		return stopped
	}
}

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.now, c.slept = c.now.Add(d), d
	for _, f := range c.due {
		f()
	}
	if c.step != nil {
		c.step(c.n)
	}
	c.n++
	return ctx.Err()
}

// recorder is a sink that records what Follow reports.
type recorder struct {
	statuses []string
	lines    []polyaxon.LogLine
	waits    []string
	progress []string
	notes    []string
}

func (s *recorder) Status(c polyaxon.Condition)  { s.statuses = append(s.statuses, string(c.Type)) }
func (s *recorder) Line(l polyaxon.LogLine)      { s.lines = append(s.lines, l) }
func (s *recorder) Waits(why string)             { s.waits = append(s.waits, why) }
func (s *recorder) Progress(text string)         { s.progress = append(s.progress, text) }
func (s *recorder) Note(text string)             { s.notes = append(s.notes, text) }
func (s *recorder) of(pod, name string) []string { return values(s.lines, pod, name) }

func values(lines []polyaxon.LogLine, pod, container string) []string {
	var own []string
	for _, l := range lines {
		if l.Pod == pod && l.Container == container {
			own = append(own, l.Value)
		}
	}
	return own
}

// follow follows the run of a scripted server.
func follow(t testing.TB, s *scriptedServer, c *clock, o run.FollowOptions) (*recorder, *run.Outcome, error) {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	o.Clock = c
	sink := &recorder{}
	outcome, err := run.Follow(t.Context(), client, target(), o, sink)
	return sink, outcome, err
}
