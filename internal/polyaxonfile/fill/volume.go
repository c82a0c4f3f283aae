package fill

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

// The guide's names for the persistent volume.
const (
	// VolumeConnection is the connection by which Polyaxonfiles name it.
	VolumeConnection = "fstore-pvc"
	volumeName       = "polyaxon-v1-data"
	volumeMount      = "/polyaxon-v1-data"
)

// Volume is what stands for the persistent volume: a connection of Polyaxon, or
// a claim of Kubernetes. The zero Volume leaves Polyaxonfiles as they are.
type Volume struct{ Connection, Claim string }

// addVolume mounts the persistent volume at /polyaxon-v1-data, once: pods that
// mount something there themselves are left alone, and the connection fstore-pvc
// gives way to what stands for it.
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
		if slices.ContainsFunc(mounts, named("mountPath", volumeMount)) {
			continue
		}
		connections, isList := p.Spec["connections"].([]any)
		if isList && v.Connection != VolumeConnection {
			p.Spec["connections"] = slices.DeleteFunc(slices.Clone(connections), func(c any) bool { return c == VolumeConnection })
			tidy(p.Spec, "connections")
		}
		if v.Connection != "" {
			add(p.Spec, "connections", v.Connection, func(c any) bool { return c == v.Connection })
			continue
		}
		add(p.Spec, "volumes", map[string]any{"name": volumeName, "persistentVolumeClaim": map[string]any{"claimName": v.Claim}}, named("name", volumeName))
		add(container, "volumeMounts", map[string]any{"name": volumeName, "mountPath": volumeMount}, named("mountPath", volumeMount))
	}
}
