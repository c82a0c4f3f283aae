package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Use is how many bytes of a volume are used.
type Use struct{ Used, Capacity int64 }

// Mounting returns the name of a node that has a running pod with the claim, or "" if no pod
// of the namespace mounts it.
func (c *Cluster) Mounting(ctx context.Context, claim string) (node string, err error) {
	pods, err := retry(ctx, c, func() (*v1.PodList, error) {
		return c.Client.CoreV1().Pods(c.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
	})
	if err != nil {
		return "", fmt.Errorf("list pods in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	for i := range pods.Items {
		if slices.ContainsFunc(pods.Items[i].Spec.Volumes, func(v v1.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == claim
		}) {
			return pods.Items[i].Spec.NodeName, nil
		}
	}
	return "", nil
}

// ClaimUse returns how much of a claim's volume is used, as the kubelet of a node says that
// has a pod with the claim. It returns nil if the kubelet does not say.
func (c *Cluster) ClaimUse(ctx context.Context, claim, node string) (*Use, error) {
	text, err := c.Client.CoreV1().RESTClient().Get().Resource("nodes").Name(node).SubResource("proxy", "stats", "summary").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("ask the kubelet of node %s in cluster %s for the use of volumes: %w", node, c.Name, err)
	}
	return c.useIn(text, claim)
}

// useIn finds a claim of the namespace in a kubelet's summary.
func (c *Cluster) useIn(summary []byte, name string) (*Use, error) {
	type claim struct{ Name, Namespace string }
	var read struct {
		Pods []struct {
			Volume []struct {
				UsedBytes, CapacityBytes *int64
				PVCRef                   claim
			}
		}
	}
	if err := json.Unmarshal(summary, &read); err != nil {
		return nil, fmt.Errorf("the kubelet's summary in cluster %s cannot be read", c.Name)
	}
	for _, pod := range read.Pods {
		for _, volume := range pod.Volume {
			if volume.PVCRef == (claim{name, c.Namespace}) && volume.UsedBytes != nil && volume.CapacityBytes != nil {
				return &Use{Used: *volume.UsedBytes, Capacity: *volume.CapacityBytes}, nil
			}
		}
	}
	return nil, nil
}
