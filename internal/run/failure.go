package run

import (
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// Failure describes the container that made a run fail.
type Failure struct {
	// Pod is empty, and Container may be, if only Polyaxon reports the failure.
	Pod, Container string
	// ExitCode is the container's exit code, or -1 if it is not known.
	ExitCode int
	// OOMKilled reports whether the container used more memory than its limit, or its node
	// had no memory left. Evicted reports whether its pod was evicted, or lost its node.
	OOMKilled, Evicted bool
	// Text describes the failure and what to do about it, in one line.
	Text string

	// restarted reports whether the container was started again since. spoke reports whether
	// the outcome's last lines are those of this container although it is not the main one.
	restarted, ownLines bool
}

// LinesContainer returns the name of the container that the outcome's last lines are from,
// or "" for the main container. It may be called on nil.
func (f *Failure) LinesContainer() string {
	if f == nil || !f.ownLines {
		return ""
	}
	return f.Container
}

// failure returns how a run failed, from its pods if they say so, and otherwise from its
// conditions. It returns nil if the run did not fail, or if neither of them says how.
func failure(status polyaxon.Status, conditions []polyaxon.Condition, pods []corev1.Pod) *Failure {
	if status != polyaxon.Failed {
		return nil
	}
	for _, pod := range slices.Backward(pods) {
		if f := podFailure(&pod); f != nil {
			return f
		}
	}
	for _, condition := range slices.Backward(conditions) {
		if f := conditionFailure(condition); f != nil {
			return f
		}
	}
	return nil
}

// podFailure returns how a pod failed according to its status, or nil. An eviction comes
// first: it kills the containers, so that their exit codes have no meaning.
func podFailure(pod *corev1.Pod) *Failure {
	f := &Failure{Pod: pod.Name, ExitCode: -1}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget && condition.Status == corev1.ConditionTrue {
			f.Evicted = true
			f.Text = fmt.Sprintf("its pod was evicted (%s): %s", condition.Reason, advice.Brief(condition.Message))
		}
	}
	switch pod.Status.Reason {
	case "Evicted", "NodeLost", "NodeShutdown", "Terminated", "Shutdown", "Preempting", "UnexpectedAdmissionError", "NodeAffinity", "OutOfcpu", "OutOfmemory":
		f.Evicted = true
		f.Text = fmt.Sprintf("its pod was evicted (%s): %s", pod.Status.Reason, advice.Brief(pod.Status.Message))
	}
	if f.Evicted {
		f.Text += "; run it again, and request the memory and the disk that it uses"
		return f
	}
	statuses := slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses)
	slices.SortStableFunc(statuses, func(a, b corev1.ContainerStatus) int { // main containers first
		switch {
		case isMain(a.Name) == isMain(b.Name):
			return 0
		case isMain(a.Name):
			return -1
		}
		return 1
	})
	for _, status := range statuses {
		ended := status.State.Terminated
		f.restarted = ended == nil
		if ended == nil {
			ended = status.LastTerminationState.Terminated
		}
		if ended == nil || ended.ExitCode == 0 && ended.Reason != "OOMKilled" {
			continue
		}
		f.Container, f.ExitCode, f.OOMKilled = status.Name, int(ended.ExitCode), ended.Reason == "OOMKilled"
		f.Text = exitText(f, memoryLimit(pod, status.Name), advice.Brief(ended.Message))
		return f
	}
	return nil
}

// memoryLimit returns a container's memory limit as it was written, or "" if it has none.
func memoryLimit(pod *corev1.Pod, container string) string {
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		if limit, ok := c.Resources.Limits[corev1.ResourceMemory]; ok && c.Name == container {
			return limit.String()
		}
	}
	return ""
}

// exitText describes the exit of a container. It returns "" if the exit code is not
// known.
func exitText(f *Failure, limit, message string) string {
	container := f.Container
	if container == "" {
		container = "its container"
	} else {
		container = "container " + container
	}
	var text string
	switch {
	case f.OOMKilled && limit != "":
		text = fmt.Sprintf("%s was OOM killed: it exceeded its memory limit of %s; raise resources.limits.memory", container, limit)
	case f.OOMKilled:
		text = fmt.Sprintf("%s was OOM killed: it ran out of memory; raise resources.limits.memory, or use a node with more", container)
	case f.ExitCode == 137:
		text = fmt.Sprintf("%s was killed (exit code 137: SIGKILL)", container)
	case f.ExitCode == 143:
		text = fmt.Sprintf("%s was terminated (exit code 143: SIGTERM)", container)
	case f.ExitCode == 126 || f.ExitCode == 127:
		text = fmt.Sprintf("%s ended with exit code %d: its command cannot be run, or was not found", container, f.ExitCode)
	case f.ExitCode >= 0:
		text = fmt.Sprintf("%s ended with exit code %d", container, f.ExitCode)
	}
	if message != "" && text != "" {
		text += ": " + message
	}
	return text
}

// The patterns of what conditions say about the end of a container.
var (
	saysOOM     = lazyregexp.New(`(?i)oom[- ]?kill|out of memory|want of memory`)
	saysEvicted = lazyregexp.New(`(?i)\bevict|low on resource|preempt|node (?:was|is) (?:lost|shut)|NodeShutdown`)
	saysCode    = lazyregexp.New(`(?i)exit(?:ed)?(?:[ _]?(?:with|code|status))*[ :=(]+(-?\d+)`)
	saysName    = lazyregexp.New(`(?i)container:? "?([-a-z0-9]+)"? (?:exited|was|terminated|failed)`)
)

// conditionFailure returns how a container failed according to a condition's message, or
// nil if it is not about the end of one. Conditions have no field for an exit code.
func conditionFailure(c polyaxon.Condition) *Failure {
	text := c.Reason + ": " + c.Message
	f := &Failure{ExitCode: -1, OOMKilled: saysOOM.MatchString(text), Evicted: saysEvicted.MatchString(text)}
	if found := saysCode.FindStringSubmatch(c.Message); found != nil {
		if code, err := strconv.Atoi(found[1]); err == nil {
			f.ExitCode = code
		}
	}
	if found := saysName.FindStringSubmatch(c.Message); found != nil {
		f.Container = found[1]
	}
	switch {
	case f.Evicted:
		f.Text = "its pod was evicted: " + advice.Brief(c.Message) + "; run it again, and request the memory and the disk that it uses"
	case f.OOMKilled || f.ExitCode > 0:
		f.Text = exitText(f, "", "")
	default:
		return nil
	}
	return f
}
