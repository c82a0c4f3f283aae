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

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Cluster is the Kubernetes cluster that runs the pods. It knows more than Polyaxon
// reports: complete logs, why a pod waits, and how a container ended.
type Cluster interface {
	// RunPods returns the pods of the run with this UUID, oldest first. It returns none
	// after they have been deleted.
	RunPods(ctx context.Context, uuid string) ([]corev1.Pod, error)
	// RunEvents returns the events of these pods and of the job that creates them, oldest
	// first.
	RunEvents(ctx context.Context, uuid string, pods []corev1.Pod) ([]corev1.Event, error)
	// PodLog opens the log of a container with the options. The caller must close it.
	PodLog(ctx context.Context, pod string, o *corev1.PodLogOptions) (io.ReadCloser, error)
}

// podsInterval is the minimum time between two requests for the pods of an active run.
const podsInterval = 400 * time.Millisecond

// look requests the run's pods from the cluster. If there is no access to the cluster,
// what Polyaxon reports counts.
func (f *follower) look(ctx context.Context) {
	if f.options.Cluster == nil {
		return
	}
	f.podsAt = f.options.Clock.Now()
	pods, err := f.options.Cluster.RunPods(ctx, f.target.UUID)
	f.reachable = err == nil
	f.lines.noteForbidden(err)
	if err == nil && len(pods) > 0 {
		f.pods = pods // keep the last seen pods after they are deleted, since they say how the run ended
	}
}

// direct reads the logs of pods, passes on what is new, and reports whether there were
// any to read. The logs of running containers stay open if l.tails is not nil.
func (l *lines) direct(ctx context.Context, cluster Cluster, pods []corev1.Pod) bool {
	found, total := false, 0
	l.whole = len(pods) > 0
	for i := range pods {
		pod := &pods[i]
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if !l.options.AllContainers && !isMain(status.Name) || !hasRun(&status) {
				continue
			}
			r := l.podReading(cluster, pod, &status)
			err := r.container(ctx, &status)
			l.noteForbidden(err)
			found = err == nil || found
			l.whole = l.whole && err == nil && status.State.Running == nil && !l.incomplete
			total += r.total
			r.total = 0
		}
	}
	for _, r := range l.tails { // of deleted pods
		if !slices.ContainsFunc(pods, func(p corev1.Pod) bool { return p.Name == r.key.pod }) {
			r.drain(ctx, false)
		}
	}
	l.busy = total > batchLines/8
	l.flush()
	return found
}

// hasRun reports whether a container has run, so that it may have printed something.
func hasRun(s *corev1.ContainerStatus) bool {
	return s.State.Running != nil || s.State.Terminated != nil || s.RestartCount > 0
}

// noteForbidden notes, once, that the cluster does not allow pods or their logs to be read.
func (l *lines) noteForbidden(err error) {
	if l.forbidden || !apierrors.IsForbidden(err) {
		return
	}
	l.forbidden = true
	l.sink.Note(fmt.Sprintf("pod logs cannot be read directly: %s; reading logs from Polyaxon instead, which may return some lines only after the run has ended "+
		"(needs permission to list pods and to get pods/log)", advice.Brief(err.Error())))
}

// podReading is one pass through the log of a container. If the log is followed, the pass
// lasts for several calls of direct.
type podReading struct {
	*reading
	*tailing
	cluster Cluster
	key     key
	// ended reports whether nothing more is written to any log of the pod.
	ended bool
}

// podReading returns the reading of a log that is open, or a new one.
func (l *lines) podReading(cluster Cluster, pod *corev1.Pod, status *corev1.ContainerStatus) *podReading {
	k := key{pod.Name, status.Name}
	r := l.tails[k]
	if r == nil {
		r = &podReading{reading: l.reading(true, time.Time{}), cluster: cluster, key: k}
	}
	r.ended = pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return r
}

// container passes on what is new in a container's log, beginning with the last lines of
// its previous instance.
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
		_ = r.previous(ctx) // there may be no previous log
	}
	if running && r.tails != nil && r.until.IsZero() {
		return r.follow(ctx)
	}
	defer r.settle()
	return r.log(ctx, &corev1.PodLogOptions{SinceTime: s.since()})
}

// since returns the time from which to request a log so that it begins with lines that
// were passed on, or nil for the whole log. Kubernetes truncates times to seconds.
func (s *stream) since() *metav1.Time {
	if s.emitted == 0 {
		return nil
	}
	at := metav1.NewTime(time.UnixMicro(s.newest).Add(-2 * time.Second))
	return &at
}

// previous reads the log of the container's instance before the last restart.
func (r *podReading) previous(ctx context.Context) error {
	defer delete(r.chunks, r.key) // so that the next chunk counts its lines as passed on
	return r.log(ctx, &corev1.PodLogOptions{Previous: true, SinceTime: r.own().since()})
}

// own returns the stream of the container.
func (r *podReading) own() *stream { return r.chunk(r.key.pod, r.key.container).stream }

// open opens the container's log with timestamps.
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
			return nil // the end, or an unfinished line
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		if err := r.line(ctx, text, &first); err != nil {
			return err
		}
	}
}

// line processes one line of a log, which begins with its time. first reports whether it
// is the log's first line. If that line was not passed on before, the log is not the one
// that was read: the container was restarted, which its status may not show yet, or the
// log was rotated.
func (r *podReading) line(ctx context.Context, text string, first *bool) error {
	at, value, ok := splitTimestamp(text)
	if !ok {
		return nil // a message of the kubelet, such as that a log cannot be found
	}
	line := polyaxon.LogLine{Timestamp: at, Pod: r.key.pod, Container: r.key.container, Value: value}
	c := r.chunk(r.key.pod, r.key.container)
	switch {
	case *first:
		*first = false
		missed := c.unread && c.emitted > 0
		c.unread = false
		if newest := c.newest; !r.wasEmitted(&line) && r.previous(ctx) != nil && missed {
			r.incomplete = true
			r.sink.Note(fmt.Sprintf("the log of %s was rotated while it could not be read: lines between %s and %s may be missing",
				r.key.container, time.UnixMicro(newest).UTC().Format(time.TimeOnly), line.Timestamp.UTC().Format(time.TimeOnly)))
		}
	case r.isRestarted(c, &line):
		delete(r.chunks, r.key)
	}
	return r.take(line)
}

// splitTimestamp splits a line into its time and its text. It reports false if the line does
// not begin with a time.
func splitTimestamp(text string) (at time.Time, value string, ok bool) {
	stamp, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return at, strings.TrimSuffix(value, "\r"), err == nil
}

// trimTimestamp returns a line without the time at its beginning, if there is one.
func trimTimestamp(text string) string {
	if _, value, ok := splitTimestamp(text); ok {
		return value
	}
	return text
}

// maxReadLine is the maximum length of a line that is kept in memory, in bytes. Less of
// it is passed on.
const maxReadLine = 8 << 20

// readLine reads one line, including its end. It returns only the beginning of a long
// line.
func readLine(r *bufio.Reader) (string, error) {
	part, err := r.ReadSlice('\n')
	if err == nil {
		return string(part), nil
	}
	text := append([]byte{}, part...)
	for errors.Is(err, bufio.ErrBufferFull) {
		part, err = r.ReadSlice('\n')
		if len(text)+len(part) <= maxReadLine || err == nil && len(text) < maxReadLine {
			text = append(text, part...)
		}
	}
	if err == nil && (len(text) == 0 || text[len(text)-1] != '\n') {
		text = append(text, '\n')
	}
	return string(text), err
}
