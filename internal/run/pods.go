package run

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

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
	// PodLog opens the log of a container, each line with its time before it, from
	// since on; of its instance before the last restart when previous is set. The
	// caller closes it.
	PodLog(ctx context.Context, pod, container string, previous bool, since time.Time) (io.ReadCloser, error)
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
	if err == nil && len(pods) > 0 {
		f.pods = pods // the last seen tell how it ended when they are gone
	}
}

// direct reads the pods' logs and tells what is new. It tells whether there were
// any to read.
func (l *lines) direct(ctx context.Context, cluster Cluster, pods []corev1.Pod) bool {
	r := &podReading{reading: l.reading(true, time.Time{}), cluster: cluster}
	found := false
	for i := range pods {
		pod := &pods[i]
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if (l.options.AllContainers || main(status.Name)) && printed(&status) {
				found = r.container(ctx, pod, &status) || found
			}
		}
	}
	r.end()
	return found
}

// printed tells whether a container ran, so that it may have printed something.
func printed(s *corev1.ContainerStatus) bool {
	return s.State.Running != nil || s.State.Terminated != nil || s.RestartCount > 0
}

// podReading is one way through the logs of a run's pods.
type podReading struct {
	*reading
	cluster Cluster
}

// container reads one container's log from where it was told to. A log that does
// not begin with what was told is that of another instance: the container was
// started again, which its status may not tell yet, and what its instance before
// printed last comes first.
func (r *podReading) container(ctx context.Context, pod *corev1.Pod, status *corev1.ContainerStatus) bool {
	s := r.chunk(pod.Name, status.Name).stream
	log := podLog{pod: pod.Name, container: status.Name, ended: pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed}
	if s.told > 0 {
		log.since = time.UnixMicro(s.newest).Add(-2 * time.Second) // the question is in whole seconds
	}
	previous := podLog{pod: log.pod, container: log.container, since: log.since, previous: true, ended: true}
	asked := false
	log.other = func() {
		asked = true
		_ = r.log(ctx, previous) // as a rule there is none
	}
	err := r.log(ctx, log)
	if status.RestartCount > s.restarts && !asked {
		log.other()
	}
	s.restarts = status.RestartCount
	return err == nil
}

// podLog names one log: that of a container's instance, or of the one before.
type podLog struct {
	pod, container string
	previous       bool
	since          time.Time
	// ended tells that nothing more is written to it.
	ended bool
	// other, if there is one, is called before a log that does not begin with what
	// was told.
	other func()
}

func (r *podReading) log(ctx context.Context, q podLog) error {
	body, err := r.cluster.PodLog(ctx, q.pod, q.container, q.previous, q.since)
	if err != nil {
		return err
	}
	defer body.Close()
	reader := bufio.NewReaderSize(body, 64<<10)
	for first := true; ; {
		text, err := readLine(reader)
		switch {
		case errors.Is(err, io.EOF) && (text == "" || !q.ended):
			return nil // the end, or a line that is not whole yet
		case err != nil && !errors.Is(err, io.EOF):
			return err
		}
		line := polyaxon.LogLine{Pod: q.pod, Container: q.container}
		stamp, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		if line.Timestamp, err = time.Parse(time.RFC3339Nano, stamp); err != nil {
			continue // the kubelet's own words, such as that a log cannot be found
		}
		line.Value = strings.TrimSuffix(value, "\r")
		if first && q.other != nil && !r.knows(&line) {
			q.other()
		}
		first = false
		if err := r.take(line); err != nil {
			return err
		}
	}
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
