package cluster

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
)

// The labels of the objects of a run: the UUID of the run, and who made the object.
const (
	labelRun       = "app.kubernetes.io/instance"
	labelManagedBy = "app.kubernetes.io/managed-by"
)

// maxEvents is the maximum number of events that are read for one object.
const maxEvents = 100

// RunPods returns the pods of the Polyaxon run with this UUID, oldest first. Polyaxon
// labels the pods with the UUID in all releases from 1.11 on.
func (c *Cluster) RunPods(ctx context.Context, uuid string) ([]corev1.Pod, error) {
	list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun + "=" + uuid})
	if err != nil {
		return nil, fmt.Errorf("list the pods of run %s in cluster %s: %w", uuid, c.Name, err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return list.Items, nil
}

// RunEvents returns the events of the given pods and of the Kubernetes job of the run
// with this UUID, oldest first. It returns at most 100 events for each of them.
func (c *Cluster) RunEvents(ctx context.Context, uuid string, pods []corev1.Pod) ([]corev1.Event, error) {
	names := []string{"plx-operation-" + uuid}
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	var all []corev1.Event
	for _, name := range names {
		events, err := c.events(ctx, name, fields.Set{"involvedObject.name": name})
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	slices.SortStableFunc(all, func(a, b corev1.Event) int { return lastSeen(&a).Compare(lastSeen(&b)) })
	return all, nil
}

// EventsAbout returns the events about an object, oldest first. It returns at most 100.
func (c *Cluster) EventsAbout(ctx context.Context, object types.UID) ([]corev1.Event, error) {
	return c.events(ctx, "object "+string(object), fields.Set{"involvedObject.uid": string(object)})
}

// events returns the events that fields select, oldest first. It returns at most maxEvents.
func (c *Cluster) events(ctx context.Context, about string, selected fields.Set) ([]corev1.Event, error) {
	list, err := c.Client.CoreV1().Events(c.Namespace).List(ctx, metav1.ListOptions{FieldSelector: fields.SelectorFromSet(selected).String(), Limit: maxEvents})
	if err != nil {
		return nil, fmt.Errorf("list the events about %s in cluster %s: %w", about, c.Name, err)
	}
	slices.SortStableFunc(list.Items, func(a, b corev1.Event) int { return lastSeen(&a).Compare(lastSeen(&b)) })
	return list.Items, nil
}

// lastSeen returns when an event last happened. Older and newer clients of Kubernetes set
// different fields.
func lastSeen(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

// PodLog opens the log of a container with the options. The caller must close it.
// Canceling ctx ends it.
func (c *Cluster) PodLog(ctx context.Context, pod string, o *corev1.PodLogOptions) (io.ReadCloser, error) {
	body, err := c.Client.CoreV1().Pods(c.Namespace).GetLogs(pod, o).Stream(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the log of container %s of pod %s in cluster %s: %w", o.Container, pod, c.Name, err)
	}
	return body, nil
}
