package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Cluster is the Kubernetes cluster that runs have their pods in. It knows more
// than Polyaxon hands on: whole logs, why a pod waits, and how a container ended.
type Cluster interface {
	// RunPods gives the pods of the run with this UUID, oldest first; none when
	// they are gone.
	RunPods(ctx context.Context, uuid string) ([]corev1.Pod, error)
	// RunEvents gives the events about these pods and about the job that makes
	// them, oldest first.
	RunEvents(ctx context.Context, uuid string, pods []corev1.Pod) ([]corev1.Event, error)
	// PodLog opens the log of a container as o says it; the caller closes it.
	PodLog(ctx context.Context, pod string, o *corev1.PodLogOptions) (io.ReadCloser, error)
}

// lookEvery is the shortest time between two looks at the pods of a run that goes on.
const lookEvery = 400 * time.Millisecond

// look asks the cluster for the run's pods. Without access, or where it is
// refused, there are none, and what Polyaxon says counts.
func (f *follower) look(ctx context.Context) {
	if f.options.Cluster == nil {
		return
	}
	f.looked = f.options.Clock.Now()
	pods, err := f.options.Cluster.RunPods(ctx, f.target.UUID)
	f.reachable = err == nil
	f.lines.refused(err)
	if err == nil && len(pods) > 0 {
		f.pods = pods // the last seen tell how it ended when they are gone
	}
}

// direct reads the pods' logs and tells what is new. It tells whether there were
// any to read. The logs of containers that run stay open, where l follows.
func (l *lines) direct(ctx context.Context, cluster Cluster, pods []corev1.Pod) bool {
	found, total := false, 0
	l.whole = len(pods) > 0
	for i := range pods {
		pod := &pods[i]
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if !l.options.AllContainers && !main(status.Name) || !printed(&status) {
				continue
			}
			r := l.podReading(cluster, pod, &status)
			err := r.container(ctx, &status)
			l.refused(err)
			found = err == nil || found
			l.whole = l.whole && err == nil && status.State.Running == nil && !l.incomplete
			total += r.total
			r.total = 0
		}
	}
	for _, r := range l.tails { // of pods that are gone
		if !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Name == r.key.pod }) {
			r.drain(ctx, false)
		}
	}
	l.busy = total > batchLines/8
	l.flush()
	return found
}

// printed tells whether a container ran, so that it may have printed something.
func printed(s *corev1.ContainerStatus) bool {
	return s.State.Running != nil || s.State.Terminated != nil || s.RestartCount > 0
}

// refused tells, once, that the cluster lets nobody read what would be read there.
func (l *lines) refused(err error) {
	if l.forbidden || !apierrors.IsForbidden(err) {
		return
	}
	l.forbidden = true
	l.sink.Note(fmt.Sprintf("pods are not read directly: %s; lines come from Polyaxon, which may hand out some only when the run has ended "+
		"(it takes the right to list pods and to get pods/log)", brief(err.Error())))
}

// podReading is one way through the log of a container; one that is followed
// lasts for several looks.
type podReading struct {
	*reading
	*tailing
	cluster Cluster
	key     key
	// ended tells that nothing more is written to any of the pod's logs.
	ended bool
}

// podReading goes on with a log that is open, or begins a reading.
func (l *lines) podReading(cluster Cluster, pod *corev1.Pod, status *corev1.ContainerStatus) *podReading {
	k := key{pod.Name, status.Name}
	r := l.tails[k]
	if r == nil {
		r = &podReading{reading: l.reading(true, time.Time{}), cluster: cluster, key: k}
	}
	r.ended = pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return r
}

// container tells what is new of a container. What its instance before printed last
// comes first.
func (r *podReading) container(ctx context.Context, status *corev1.ContainerStatus) error {
	running := status.State.Running != nil
	if r.tailing != nil {
		if r.drain(ctx, running) {
			return nil
		}
		r = &podReading{reading: r.lines.reading(true, time.Time{}), cluster: r.cluster, key: r.key, ended: r.ended}
	}
	s := r.own()
	if status.RestartCount > s.restarts {
		s.restarts = status.RestartCount
		_ = r.previous(ctx) // as a rule there is one
	}
	if running && r.tails != nil && r.until.IsZero() {
		return r.follow(ctx)
	}
	defer r.settle()
	return r.log(ctx, &corev1.PodLogOptions{SinceTime: s.since()})
}

// since is the time from which on a log is asked for, nil for all of it: so that it
// begins with what was told. Kubernetes knows whole seconds.
func (s *stream) since() *metav1.Time {
	if s.told == 0 {
		return nil
	}
	at := metav1.NewTime(time.UnixMicro(s.newest).Add(-2 * time.Second))
	return &at
}

// previous reads the log of the container's instance before the last restart.
func (r *podReading) previous(ctx context.Context) error {
	defer delete(r.chunks, r.key) // what it tells counts as told from then on
	return r.log(ctx, &corev1.PodLogOptions{Previous: true, SinceTime: r.own().since()})
}

// own gives what was told of the container.
func (r *podReading) own() *stream { return r.chunk(r.key.pod, r.key.container).stream }

func (r *podReading) open(ctx context.Context, o *corev1.PodLogOptions) (io.ReadCloser, error) {
	o.Container, o.Timestamps = r.key.container, true
	return r.cluster.PodLog(ctx, r.key.pod, o)
}

// log reads a log as far as it is written.
func (r *podReading) log(ctx context.Context, o *corev1.PodLogOptions) error {
	body, err := r.open(ctx, o)
	if err != nil {
		return err
	}
	defer body.Close()
	reader := bufio.NewReaderSize(body, 64<<10)
	for first := !o.Previous; ; {
		text, err := readLine(reader)
		switch {
		case errors.Is(err, io.EOF) && (text == "" || !r.ended && !o.Previous):
			return nil // the end, or a line that is not whole yet
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		if err := r.line(ctx, text, &first); err != nil {
			return err
		}
	}
}

// line takes one line of a log, with its time before it. A log whose first line was
// not told is another one than that which was read: the container was started again,
// which its status may not tell yet, or the log was rotated.
func (r *podReading) line(ctx context.Context, text string, first *bool) error {
	at, value, ok := stamped(text)
	if !ok {
		return nil // the kubelet's own words, such as that a log cannot be found
	}
	line := polyaxon.LogLine{Timestamp: at, Pod: r.key.pod, Container: r.key.container, Value: value}
	c := r.chunk(r.key.pod, r.key.container)
	switch {
	case *first:
		*first = false
		missed := c.loose && c.told > 0
		c.loose = false
		if newest := c.newest; !r.knows(&line) && r.previous(ctx) != nil && missed {
			r.incomplete = true
			r.sink.Note(fmt.Sprintf("the log of %s was rotated while it could not be read: lines between %s and %s may be missing",
				r.key.container, time.UnixMicro(newest).UTC().Format(time.TimeOnly), line.Timestamp.UTC().Format(time.TimeOnly)))
		}
	case r.again(c, &line):
		delete(r.chunks, r.key)
	}
	return r.take(line)
}

// stamped takes a line apart that has its time before it.
func stamped(text string) (at time.Time, value string, ok bool) {
	stamp, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return at, strings.TrimSuffix(value, "\r"), err == nil
}

// unstamped takes off the time before a line that may have none.
func unstamped(text string) string {
	if _, value, ok := stamped(text); ok {
		return value
	}
	return text
}

// longestRead bounds how much of one line is kept, in bytes; what is told is less.
const longestRead = 8 << 20

// readLine reads one line with its end, of a long one the beginning.
func readLine(r *bufio.Reader) (string, error) {
	part, err := r.ReadSlice('\n')
	if err == nil {
		return string(part), nil
	}
	text := append([]byte{}, part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.ReadSlice('\n')
		if len(text)+len(part) <= longestRead || err == nil && len(text) < longestRead {
			text = append(text, part...)
		}
	}
	if err == nil && (len(text) == 0 || text[len(text)-1] != '\n') {
		text = append(text, '\n')
	}
	return string(text), err
}
