package cluster

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// The keys of the Polyaxon agent's ConfigMap that contain its catalog, as JSON.
const (
	agentConnections = "POLYAXON_AGENT_CONNECTIONS"
	agentStore       = "POLYAXON_AGENT_ARTIFACTS_STORE"
)

// Connection is a connection in the Polyaxon agent's catalog. Fields that its kind does
// not have are empty.
type Connection struct {
	Name, Kind string
	// Mount is where containers find it.
	Mount    string
	ReadOnly bool
	// Claim, HostPath, Bucket and URL are what it connects to.
	Claim, HostPath, Bucket, URL string
	// Secret and ConfigMap are the names of what it gives to containers.
	Secret, ConfigMap string
	// Store reports whether it is the store of the artifacts of runs.
	Store bool
}

// UnmarshalJSON implements json.Unmarshaler. It leaves out what has another form than the
// chart's, because only the name is essential.
func (c *Connection) UnmarshalJSON(text []byte) error {
	var read struct {
		Name      string          `json:"name"`
		Kind      string          `json:"kind"`
		Schema    json.RawMessage `json:"schema"`
		Secret    json.RawMessage `json:"secret"`
		ConfigMap json.RawMessage `json:"configMap"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	var schema struct {
		MountPath, VolumeClaim, HostPath, Bucket, URL string
		ReadOnly                                      bool
	}
	var secret, configMap struct{ Name string }
	_ = json.Unmarshal(read.Schema, &schema)
	_ = json.Unmarshal(read.Secret, &secret)
	_ = json.Unmarshal(read.ConfigMap, &configMap)
	*c = Connection{
		Name: read.Name, Kind: read.Kind, Mount: schema.MountPath, ReadOnly: schema.ReadOnly,
		Claim: schema.VolumeClaim, HostPath: schema.HostPath, Bucket: schema.Bucket, URL: schema.URL,
		Secret: secret.Name, ConfigMap: configMap.Name,
	}
	return nil
}

// AgentConnections returns the connections in the Polyaxon agent's catalog, which its
// chart writes into one of the ConfigMaps of its namespace. known reports whether there is
// such a ConfigMap.
func AgentConnections(maps []corev1.ConfigMap) (all []Connection, known bool, err error) {
	for i := range maps {
		data := maps[i].Data
		text, found := data[agentConnections]
		store, stored := data[agentStore]
		if !found && !stored {
			continue
		}
		known = true
		if found && text != "" {
			var listed []Connection
			if err := json.Unmarshal([]byte(text), &listed); err != nil {
				return nil, false, fmt.Errorf("%s in ConfigMap %s cannot be read: %w", agentConnections, maps[i].Name, err)
			}
			all = append(all, listed...)
		}
		var one Connection
		if json.Unmarshal([]byte(store), &one) == nil && one.Name != "" {
			one.Store = true
			all = append(all, one)
		}
	}
	return all, known, nil
}
