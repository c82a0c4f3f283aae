package run_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// kubelet is a scripted cluster of pods with one container each.
type kubelet struct {
	mu   sync.Mutex
	pods map[string]*scriptedPod
	// refuses reports whether reading logs is forbidden, and down whether it fails.
	refuses, down bool
	opened        int
}

// scriptedPod has the lines of the current instance of its container. Those before from
// are in rotated files, which only followers of the log have seen.
type scriptedPod struct {
	k        *kubelet
	name     string
	lines    []record
	from     int
	previous []record
	restarts int32
	ended    bool
	// others are the pod's other containers, and words are their logs.
	others []corev1.ContainerStatus
	words  map[string]string
	// streams are the open logs that are followed.
	streams []*stream
}

func (k *kubelet) pod(name string) *scriptedPod {
	if k.pods == nil {
		k.pods = map[string]*scriptedPod{}
	}
	if k.pods[name] == nil {
		k.pods[name] = &scriptedPod{k: k, name: name}
	}
	return k.pods[name]
}

// change calls do with the lock held, and wakes the open streams.
func (k *kubelet) change(do func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	do()
	for _, p := range k.pods {
		p.wake()
	}
}

// wake has the pod's streams look for new lines.
func (p *scriptedPod) wake() {
	for _, s := range p.streams {
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

// print prints n more lines, a millisecond apart.
func (p *scriptedPod) print(s *scriptedServer, n int) {
	for range n {
		i := len(s.printed)
		l := record{start.Add(time.Duration(i) * time.Millisecond), p.name, "polyaxon-main", fmt.Sprintf("line %d", i)}
		s.printed = append(s.printed, l)
		p.lines = append(p.lines, l)
	}
}

func (p *scriptedPod) rotate() { p.from = len(p.lines) }

// restart ends the current instance of the container and starts another one.
func (p *scriptedPod) restart() {
	for _, s := range p.streams {
		s.until = len(p.lines)
	}
	p.wake()
	p.previous, p.lines, p.from, p.streams = p.lines[p.from:], nil, 0, nil
	p.restarts++
}

func (k *kubelet) RunPods(context.Context, string) ([]corev1.Pod, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var pods []corev1.Pod
	for _, name := range slices.Sorted(maps.Keys(k.pods)) {
		p := k.pods[name]
		state, phase := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, corev1.PodRunning
		if p.ended {
			state, phase = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}, corev1.PodSucceeded
		}
		pods = append(pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.PodStatus{Phase: phase,
			ContainerStatuses: append([]corev1.ContainerStatus{{Name: "polyaxon-main", State: state, RestartCount: p.restarts}}, p.others...)}})
	}
	return pods, nil
}

func (k *kubelet) RunEvents(context.Context, string, []corev1.Pod) ([]corev1.Event, error) {
	return nil, nil
}

func (k *kubelet) PodLog(ctx context.Context, pod string, o *corev1.PodLogOptions) (io.ReadCloser, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened++
	p := k.pods[pod]
	switch {
	case k.refuses:
		return nil, fmt.Errorf("read the log: %w", apierrors.NewForbidden(schema.GroupResource{Resource: "pods/log"}, pod, errors.New("no right")))
	case k.down:
		return nil, errors.New("connection refused")
	case p == nil:
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, pod)
	case p.words[o.Container] != "":
		return io.NopCloser(strings.NewReader(p.words[o.Container])), nil
	case o.Previous && p.previous == nil:
		return nil, apierrors.NewBadRequest("previous terminated container not found")
	}
	s := &stream{ctx: ctx, pod: p, next: p.from, until: -1, news: make(chan struct{}, 1)}
	switch {
	case o.Previous:
		s.own = p.previous
	case !o.Follow:
		s.own = p.lines[p.from:]
	default:
		p.streams = append(p.streams, s)
	}
	if o.SinceTime != nil {
		s.since = o.SinceTime.Truncate(time.Second)
	}
	return s, nil
}

// stream is one response: its own lines, or those of a pod as they are printed.
type stream struct {
	ctx   context.Context
	pod   *scriptedPod
	own   []record
	since time.Time
	next  int
	// until is where a followed log ends, or -1 while it goes on. stuck reports whether it
	// is silent from now on, and cut whether it breaks off.
	until      int
	stuck, cut bool
	news       chan struct{}
	text       []byte
	done       bool
}

func (s *stream) Close() error { return nil }

func (s *stream) Read(into []byte) (int, error) {
	for len(s.text) == 0 {
		if s.done {
			return 0, io.EOF
		}
		s.pod.k.mu.Lock()
		lines := s.own
		switch {
		case s.own != nil || s.pod.ended && s.next >= len(s.pod.lines):
			s.done = true
		case !s.stuck && s.until < 0:
			lines, s.next = s.pod.lines[s.next:], len(s.pod.lines)
		}
		if s.until >= 0 {
			s.done = true
		}
		broken := s.cut
		s.pod.k.mu.Unlock()
		for _, l := range lines {
			if !l.at.Before(s.since) {
				s.text = fmt.Appendf(s.text, "%s %s\n", l.at.Format(time.RFC3339Nano), l.value)
			}
		}
		switch {
		case broken:
			return 0, io.ErrUnexpectedEOF
		case len(s.text) > 0 || s.done:
		default:
			select {
			case <-s.news:
			case <-s.ctx.Done():
				return 0, s.ctx.Err()
			}
		}
	}
	n := copy(into, s.text)
	s.text = s.text[n:]
	return n, nil
}

// script is a sink that runs each step after a given number of lines.
type script struct {
	recorder
	steps map[int]func()
}

func (s *script) Line(l polyaxon.LogLine) {
	s.recorder.Line(l)
	if step := s.steps[len(s.lines)]; step != nil {
		step()
	}
}

// followPods follows the run of a script whose pods can be read. The run begins with 2000
// lines of pod a.
func followPods(t *testing.T, s *scriptedServer, k *kubelet, steps func(a *scriptedPod, end func()) map[int]func()) *script {
	t.Helper()
	s.t = t
	s.reach("running", "", "")
	a := k.pod("a")
	a.print(s, 2000)
	end := func() { // called in a step, as all changes are
		for _, p := range k.pods {
			p.ended = true
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.shown, s.archived = len(s.printed), len(s.printed)
		s.reach("succeeded", "", "")
	}
	sink := &script{steps: map[int]func(){}}
	for n, step := range steps(a, end) {
		sink.steps[n] = func() { k.change(step) }
	}
	server := httptest.NewServer(s)
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	outcome, err := run.Follow(ctx, client, target(), run.FollowOptions{Logs: true, Cluster: k, Poll: 100 * time.Millisecond}, sink)
	if err != nil || outcome.Run.Status != "succeeded" {
		t.Fatalf("%v, %v; %d lines came, and the notes %q", outcome, err, len(sink.lines), sink.notes)
	}
	return sink
}

func TestPodsAreFollowed(t *testing.T) {
	for name, test := range map[string]struct {
		steps func(s *scriptedServer, k *kubelet, a *scriptedPod, end func()) map[int]func()
		note  string
		lost  int
	}{
		"the log is rotated after a line that nobody else has": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() { a.print(s, 500); a.rotate(); a.print(s, 500) }, 3000: end}
		}},
		"rotated twice, and the file that is written to sent twice": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() { a.rotate(); a.print(s, 1500) },
				3500: func() {
					for _, stream := range a.streams {
						stream.next = a.from
					}
					a.print(s, 500)
				}, 4000: end}
		}},
		"a kubelet that misses a rotation": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() {
				for _, stream := range a.streams {
					stream.stuck = true
				}
				a.rotate()
				a.print(s, 500)
			}, 2500: end}
		}},
		"the container is started again": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() { a.print(s, 500); a.restart(); a.print(s, 500) }, 3000: end}
		}},
		"the connection is cut": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() {
				for _, stream := range a.streams {
					stream.cut = true
				}
				a.print(s, 500)
			}, 2500: end}
		}},
		"the connection is cut, and the log rotated meanwhile": {steps: func(s *scriptedServer, _ *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() {
				for _, stream := range a.streams {
					stream.cut = true
				}
				a.print(s, 300)
				a.rotate()
				a.print(s, 3000)
			}, 5000: end}
		}, note: "was rotated while it could not be read: lines between 12:00:01 and 12:00:02 may be missing", lost: 300},
		"the pod is deleted while it is read": {steps: func(s *scriptedServer, k *kubelet, a *scriptedPod, end func()) map[int]func() {
			return map[int]func(){2000: func() {
				for _, stream := range a.streams {
					stream.cut = true
				}
				a.print(s, 500)
				delete(k.pods, "a")
				end()
			}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, k := &scriptedServer{}, &kubelet{}
			sink := followPods(t, s, k, func(a *scriptedPod, end func()) map[int]func() { return test.steps(s, k, a, end) })
			want := wanted(s.printed, "a", "polyaxon-main")
			same(t, sink.of("a", "polyaxon-main"), append(want[:2000:2000], want[2000+test.lost:]...))
			sink.notes = slices.DeleteFunc(sink.notes, func(n string) bool { return strings.Contains(n, "waiting for its log") })
			notes := strings.Join(sink.notes, "\n")
			if told := len(sink.notes) > 0; told != (test.lost > 0) || !strings.Contains(notes, test.note) ||
				test.lost > 0 && !strings.Contains(notes, fmt.Sprintf("%d lines of polyaxon-main were not shown", test.lost)) {
				t.Errorf("the notes are %q", sink.notes)
			}
			if k.opened > 60 {
				t.Errorf("the log was opened %d times", k.opened)
			}
		})
	}
}

// TestReplicasAreFollowed has pods appear and disappear while others print.
func TestReplicasAreFollowed(t *testing.T) {
	s, k := &scriptedServer{}, &kubelet{}
	sink := followPods(t, s, k, func(a *scriptedPod, end func()) map[int]func() {
		return map[int]func(){
			2000: func() {
				for i := range 600 {
					k.pod([]string{"a", "b", "c"}[i%3]).print(s, 1)
				}
			},
			2600: func() { a.ended = true; k.pod("b").rotate(); k.pod("b").print(s, 100) },
			2700: end,
		}
	})
	for pod, n := range map[string]int{"a": 2200, "b": 300, "c": 200} {
		got := sink.of(pod, "polyaxon-main")
		if same(t, got, wanted(s.printed, pod, "polyaxon-main")); len(got) != n {
			t.Errorf("%d lines of %s came, want %d", len(got), pod, n)
		}
	}
	if len(sink.notes) > 0 {
		t.Errorf("the notes are %q", sink.notes)
	}
}

// TestRefusedPods forbids reading pods. The lines must come from Polyaxon, with one note
// about that.
func TestRefusedPods(t *testing.T) {
	s, k := &scriptedServer{shown: 1800}, &kubelet{refuses: true} // 2000 lines may be truncated
	sink := followPods(t, s, k, func(a *scriptedPod, end func()) map[int]func() {
		return map[int]func(){1000: func() { a.print(s, 500) }, 1800: end}
	})
	same(t, sink.of("a", "polyaxon-main"), wanted(s.printed, "a", "polyaxon-main"))
	if len(sink.notes) != 1 || !strings.Contains(sink.notes[0], "needs permission to list pods and to get pods/log") {
		t.Errorf("the notes are %q", sink.notes)
	}
}
