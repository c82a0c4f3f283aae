package cluster

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Readiness is how many of the pods that a Deployment wants are ready.
type Readiness struct {
	Name          string
	Ready, Wanted int32
}

// DeploymentsOf returns the Deployments of a release of Helm, by name.
func (c *Cluster) DeploymentsOf(ctx context.Context, release string) ([]Readiness, error) {
	list, err := retry(ctx, c, func() (*appsv1.DeploymentList, error) {
		return c.Client.AppsV1().Deployments(c.Namespace).List(ctx, metav1.ListOptions{LabelSelector: labelRun + "=" + release})
	})
	if err != nil {
		return nil, fmt.Errorf("list deployments in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	var all []Readiness
	for i := range list.Items {
		d := &list.Items[i]
		wanted := int32(1)
		if d.Spec.Replicas != nil {
			wanted = *d.Spec.Replicas
		}
		all = append(all, Readiness{Name: d.Name, Ready: d.Status.ReadyReplicas, Wanted: wanted})
	}
	return all, nil
}
