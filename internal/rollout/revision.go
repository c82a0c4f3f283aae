package rollout

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// Kubernetes' annotations and labels that name the revision of a workload.
const (
	deploymentRevision = "deployment.kubernetes.io/revision"
	podTemplateHash    = "pod-template-hash"
	daemonSetRevision  = "deprecated.daemonset.template.generation"
	podGeneration      = "pod-template-generation"
	revisionHash       = "controller-revision-hash"
)

// newPods returns the pods that a workload has made for what was applied last. It returns none
// if they cannot be told from older ones, which may fail for reasons of their own.
func newPods(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured) []corev1.Pod {
	seen, _, _ := unstructured.NestedInt64(found.Object, "status", "observedGeneration")
	selector := selectorOf(found)
	if selector == "" || seen != found.GetGeneration() {
		return nil
	}
	label, value := revisionOf(ctx, c, found, selector)
	if value == "" {
		return nil
	}
	list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector + "," + label + "=" + value})
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
}

// revisionOf returns the label that the newest pods of a workload have. Its value is "" if that
// is not known.
func revisionOf(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured, selector string) (label, value string) {
	switch found.GetKind() {
	case "StatefulSet":
		value, _, _ = unstructured.NestedString(found.Object, "status", "updateRevision")
		return revisionHash, value
	case "DaemonSet":
		return podGeneration, found.GetAnnotations()[daemonSetRevision]
	case "Deployment":
		list, err := c.Client.AppsV1().ReplicaSets(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return "", ""
		}
		for i := range list.Items {
			set := &list.Items[i]
			if owner := metav1.GetControllerOf(set); owner != nil && owner.UID == found.GetUID() && set.Annotations[deploymentRevision] == found.GetAnnotations()[deploymentRevision] {
				return podTemplateHash, set.Labels[podTemplateHash]
			}
		}
	}
	return "", ""
}

// blocking returns the name of a pod of an older revision that cannot start, and for which a
// StatefulSet waits all the same before it replaces a pod, or "". Kubernetes leaves it to the user to
// delete it: see kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback.
func blocking(ctx context.Context, c *cluster.Cluster, found *unstructured.Unstructured) string {
	if found == nil || found.GetKind() != "StatefulSet" {
		return ""
	}
	policy, _, _ := unstructured.NestedString(found.Object, "spec", "podManagementPolicy")
	_, newest := revisionOf(ctx, c, found, "")
	selector := selectorOf(found)
	if policy == "Parallel" || newest == "" || selector == "" {
		return ""
	}
	list, err := c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector + "," + revisionHash + "!=" + newest})
	if err != nil {
		return ""
	}
	for i := range list.Items {
		if hopeless, stuck := look(&list.Items[i]); (hopeless || stuck) && list.Items[i].DeletionTimestamp == nil {
			return list.Items[i].Name
		}
	}
	return ""
}

// selectorOf returns the selector of a workload's pods, or "".
func selectorOf(found *unstructured.Unstructured) string {
	given, has, err := unstructured.NestedMap(found.Object, "spec", "selector")
	if err != nil || !has || given["matchLabels"] == nil && given["matchExpressions"] == nil {
		return "" // it has no pods, or is a Service
	}
	var selector metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(given, &selector) != nil {
		return ""
	}
	return metav1.FormatLabelSelector(&selector)
}
