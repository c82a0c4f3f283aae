package converter

// volumes returns the pod volumes of the connections that are volumes.
func (r Run) volumes() []any {
	var all []any
	for _, c := range r.Connections {
		volume := map[string]any{"name": c.Name}
		switch c.Kind {
		case "volume_claim":
			volume["persistentVolumeClaim"] = withReadOnly(map[string]any{"claimName": c.Schema["volumeClaim"]}, c.Schema)
		case "host_path":
			volume["hostPath"] = map[string]any{"path": c.Schema["hostPath"]}
		default:
			continue
		}
		all = append(all, volume)
	}
	return all
}

// mounts returns the main container's mounts of these volumes.
func (r Run) mounts() []any {
	var all []any
	for _, c := range r.Connections {
		if (c.Kind == "volume_claim" || c.Kind == "host_path") && !c.InitOnly {
			all = append(all, withReadOnly(map[string]any{"name": c.Name, "mountPath": c.Schema["mountPath"]}, c.Schema))
		}
	}
	return all
}

func withReadOnly(m, schema map[string]any) map[string]any {
	if schema["readOnly"] != nil {
		m["readOnly"] = schema["readOnly"]
	}
	return m
}
