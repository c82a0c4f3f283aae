package cluster

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The keys of the Polyaxon agent's ConfigMap that contain its catalog, as JSON.
const (
	agentConnections = "POLYAXON_AGENT_CONNECTIONS"
	agentStore       = "POLYAXON_AGENT_ARTIFACTS_STORE"
)

// Names returns the names of all objects of a resource in the namespace, such as secrets
// or persistentvolumeclaims. It requests only their metadata, which some servers do not
// support: they send the whole objects.
func (c *Cluster) Names(ctx context.Context, resource string) ([]string, error) {
	text, err := c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource(resource).
		SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("list %s in namespace %s of cluster %s: %w", resource, c.Namespace, c.Name, err)
	}
	var listed struct {
		Items []struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("list %s in namespace %s of cluster %s: the response cannot be read", resource, c.Namespace, c.Name)
	}
	names := make([]string, len(listed.Items))
	for i, item := range listed.Items {
		names[i] = item.Metadata.Name
	}
	return names, nil
}

// HasSecret reports whether there is a Secret with the name. It requests only the
// metadata, as Names does.
func (c *Cluster) HasSecret(ctx context.Context, name string) (bool, error) {
	err := c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource("secrets").Name(name).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json").Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for secret %s in namespace %s of cluster %s: %w", name, c.Namespace, c.Name, err)
	}
	return true, nil
}

// AgentConnections returns the names of the connections in the Polyaxon agent's catalog,
// which its chart writes into a ConfigMap of the namespace. known reports whether there
// is such a ConfigMap.
func (c *Cluster) AgentConnections(ctx context.Context) (names []string, known bool, err error) {
	maps, err := c.Client.CoreV1().ConfigMaps(c.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, false, fmt.Errorf("list config maps in namespace %s of cluster %s: %w", c.Namespace, c.Name, err)
	}
	type named struct {
		Name string `json:"name"`
	}
	for i := range maps.Items {
		data := maps.Items[i].Data
		text, found := data[agentConnections]
		store, stored := data[agentStore]
		if !found && !stored {
			continue
		}
		var all []named
		if found && text != "" {
			if err := json.Unmarshal([]byte(text), &all); err != nil {
				return nil, false, fmt.Errorf("%s in ConfigMap %s cannot be read: %w", agentConnections, maps.Items[i].Name, err)
			}
		}
		var one named
		if json.Unmarshal([]byte(store), &one) == nil && one.Name != "" {
			all = append(all, one)
		}
		for _, connection := range all {
			names = append(names, connection.Name)
		}
		known = true
	}
	return names, known, nil
}
