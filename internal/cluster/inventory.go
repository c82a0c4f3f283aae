package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Names returns the names of all objects of a resource in the namespace, such as secrets
// or serviceaccounts. It requests only their metadata, which some servers do not support:
// they send the whole objects.
func (c *Cluster) Names(ctx context.Context, resource string) ([]string, error) {
	items, err := metadata(ctx, c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource(resource))
	if err != nil {
		return nil, fmt.Errorf("list %s in namespace %s of cluster %s: %w", resource, c.Namespace, c.Name, err)
	}
	return namesOf(items), nil
}

// PriorityClasses returns the names of the priority classes of the cluster.
func (c *Cluster) PriorityClasses(ctx context.Context) ([]string, error) {
	items, err := metadata(ctx, c.Client.CoreV1().RESTClient().Get().AbsPath("/apis/scheduling.k8s.io/v1/priorityclasses"))
	if err != nil {
		return nil, fmt.Errorf("list the priority classes of cluster %s: %w", c.Name, err)
	}
	return namesOf(items), nil
}

// The Accept headers of requests for the metadata of an object, and of a list of objects.
// Servers that do not support them send the whole objects.
const (
	acceptMetadata     = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	acceptMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)

// metadata sends a request for a list, and returns the metadata of its objects.
func metadata(ctx context.Context, request *rest.Request) ([]metav1.PartialObjectMetadata, error) {
	text, err := request.SetHeader("Accept", acceptMetadataList).Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	var listed struct {
		Items []metav1.PartialObjectMetadata `json:"items"`
	}
	if json.Unmarshal(text, &listed) != nil {
		return nil, errors.New("the response cannot be read")
	}
	return listed.Items, nil
}

func namesOf(items []metav1.PartialObjectMetadata) []string {
	names := make([]string, len(items))
	for i := range items {
		names[i] = items[i].Name
	}
	return names
}

// HasSecret reports whether there is a Secret with the name. It requests only the
// metadata, as Names does.
func (c *Cluster) HasSecret(ctx context.Context, name string) (bool, error) {
	err := c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource("secrets").Name(name).
		SetHeader("Accept", acceptMetadata).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for secret %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
	}
	return true, nil
}

// SecretKeys returns the keys of a Secret, and whether there is such a Secret. Its values
// are dropped at once.
func (c *Cluster) SecretKeys(ctx context.Context, name string) (keys []string, found bool, err error) {
	whole, err := c.Client.CoreV1().Secrets(c.Namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("look for secret %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
	}
	return slices.Sorted(maps.Keys(whole.Data)), true, nil
}

// ConfigMaps returns the ConfigMaps of the namespace.
func (c *Cluster) ConfigMaps(ctx context.Context) ([]corev1.ConfigMap, error) {
	list, err := c.Client.CoreV1().ConfigMaps(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list config maps in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	return list.Items, nil
}

// Nodes returns the nodes of the cluster.
func (c *Cluster) Nodes(ctx context.Context) ([]corev1.Node, error) {
	// Version 0 is what the API server has in memory, which is cheap for large clusters.
	list, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of cluster %s: %w", c.Name, err)
	}
	return list.Items, nil
}

// ResourceQuotas returns the resource quotas of the namespace.
func (c *Cluster) ResourceQuotas(ctx context.Context) ([]corev1.ResourceQuota, error) {
	list, err := c.Client.CoreV1().ResourceQuotas(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list resource quotas in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	return list.Items, nil
}

// LimitRanges returns the limit ranges of the namespace.
func (c *Cluster) LimitRanges(ctx context.Context) ([]corev1.LimitRange, error) {
	list, err := c.Client.CoreV1().LimitRanges(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list limit ranges in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	return list.Items, nil
}
