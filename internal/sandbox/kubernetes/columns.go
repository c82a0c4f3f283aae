package kubernetes

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// none is what kubectl prints for a value that there is not.
const none = "<none>"

// columns returns the columns of a kind, as the API server has them. A column whose name
// begins with + is only shown by kubectl get -o wide.
func columns(k kind) []metav1.TableColumnDefinition {
	var all []metav1.TableColumnDefinition
	for _, name := range map[kind][]string{
		namespaceKind: {"Name", "Status", "Age"},
		secretKind:    {"Name", "Type", "Data", "Age"},
		configMapKind: {"Name", "Data", "Age"},
		podKind:       {"Name", "Ready", "Status", "Restarts", "Age", "+IP", "+Node", "+Nominated Node", "+Readiness Gates"},
		serviceKind:   {"Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "+Selector"},
		eventKind:     {"Last Seen", "Type", "Reason", "Object", "+Subobject", "+Source", "Message", "+First Seen", "+Count", "+Name"},
		nodeKind:      {"Name", "Status", "Roles", "Age", "Version"},
	}[k] {
		c := metav1.TableColumnDefinition{Name: strings.TrimPrefix(name, "+"), Type: "string"}
		if c.Name != name {
			c.Priority = 1
		}
		if c.Name == "Name" {
			c.Format = "name"
		}
		all = append(all, c)
	}
	return all
}

// cells returns the row of an object.
func cells(x object) []any {
	age := since(x.GetCreationTimestamp().Time)
	switch x := x.(type) {
	case *corev1.Namespace:
		return []any{x.Name, string(x.Status.Phase), age}
	case *corev1.Secret:
		return []any{x.Name, string(x.Type), len(x.Data), age}
	case *corev1.ConfigMap:
		return []any{x.Name, len(x.Data) + len(x.BinaryData), age}
	case *corev1.Pod:
		ready := 0
		for _, c := range x.Status.ContainerStatuses {
			if c.Ready {
				ready++
			}
		}
		return []any{x.Name, fmt.Sprintf("%d/%d", ready, len(x.Spec.Containers)), podStatus(x), "0", age, orNone(x.Status.PodIP), orNone(x.Spec.NodeName), none, none}
	case *corev1.Service:
		var ports []string
		for _, p := range x.Spec.Ports {
			ports = append(ports, fmt.Sprintf("%d/%s", p.Port, p.Protocol))
		}
		return []any{x.Name, string(x.Spec.Type), orNone(x.Spec.ClusterIP), none, orNone(strings.Join(ports, ",")), age, metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: x.Spec.Selector})}
	case *corev1.Event:
		about := strings.ToLower(x.InvolvedObject.Kind) + "/" + x.InvolvedObject.Name
		return []any{since(x.LastTimestamp.Time), x.Type, x.Reason, about, x.InvolvedObject.FieldPath, x.Source.Component, strings.TrimSpace(x.Message), since(x.FirstTimestamp.Time), x.Count, x.Name}
	case *corev1.Node:
		return []any{x.Name, "Ready", none, age, x.Status.NodeInfo.KubeletVersion}
	}
	return nil
}

// podStatus returns what kubectl shows as the status of a pod: the reason of the first init
// container that has not succeeded, or else of the first container that has a reason.
func podStatus(p *corev1.Pod) string {
	for i, c := range p.Status.InitContainerStatuses {
		switch {
		case c.State.Terminated != nil && c.State.Terminated.ExitCode == 0:
			continue
		case c.State.Terminated != nil:
			return "Init:" + c.State.Terminated.Reason
		case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "PodInitializing":
			return "Init:" + c.State.Waiting.Reason
		}
		return fmt.Sprintf("Init:%d/%d", i, len(p.Spec.InitContainers))
	}
	for _, c := range p.Status.ContainerStatuses {
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "":
			return c.State.Waiting.Reason
		case c.State.Terminated != nil:
			return c.State.Terminated.Reason
		}
	}
	if p.Status.Reason != "" {
		return p.Status.Reason
	}
	return string(p.Status.Phase)
}

func since(t time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(time.Since(t))
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}
