package fill

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

// The guide's names for the persistent volume.
const (
	// VolumeConnection is the name of the volume's connection in Polyaxonfiles.
	VolumeConnection = "fstore-pvc"
	// VolumeMount is where containers find the volume.
	VolumeMount = "/polyaxon-v1-data"
	volumeName  = "polyaxon-v1-data"
)

// Volume is the persistent volume: the name of a connection of Polyaxon, or of a
// Kubernetes claim. The connection is used if both are set. The zero Volume leaves
// Polyaxonfiles unchanged.
type Volume struct{ Connection, Claim string }

// addVolume mounts the persistent volume at /polyaxon-v1-data. It skips pods that already
// mount something there. The configured connection or claim replaces the connection
// fstore-pvc.
func addVolume(all []operation.Pod, v Volume) {
	if v == (Volume{}) {
		return
	}
	for _, p := range all {
		container := p.Container()
		if container == nil {
			continue
		}
		mounts, _ := container["volumeMounts"].([]any)
		if slices.ContainsFunc(mounts, named("mountPath", VolumeMount)) {
			continue
		}
		connections, isList := p.Spec["connections"].([]any)
		if isList && v.Connection != VolumeConnection {
			p.Spec["connections"] = slices.DeleteFunc(slices.Clone(connections), func(c any) bool { return c == VolumeConnection })
			removeEmpty(p.Spec, "connections")
		}
		if v.Connection != "" {
			add(p.Spec, "connections", v.Connection, func(c any) bool { return c == v.Connection })
			continue
		}
		add(p.Spec, "volumes", map[string]any{"name": volumeName, "persistentVolumeClaim": map[string]any{"claimName": v.Claim}}, named("name", volumeName))
		add(container, "volumeMounts", map[string]any{"name": volumeName, "mountPath": VolumeMount}, named("mountPath", VolumeMount))
	}
}
