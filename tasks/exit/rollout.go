package exit

import "strings"

// RolloutError says that an object of a manifest was applied, and is not rolled out.
type RolloutError struct {
	// Object is the object's kind and name.
	Object, Message string
	// Pods are those of its pods that are not ready, as far as they are visible.
	Pods []RolloutPod
}

// RolloutPod is a pod that is not ready.
type RolloutPod struct {
	Name, Reason string
	// Container is the container that is to blame, or "", and LastLines are its last lines.
	Container string
	LastLines []string
}

// Error names the object and why it is not rolled out, followed by its pods.
func (e *RolloutError) Error() string {
	var b strings.Builder
	b.WriteString(e.Object + ": " + e.Message)
	for _, p := range e.Pods {
		b.WriteString("\npod " + p.Name)
		if p.Container != "" {
			b.WriteString(", container " + p.Container)
		}
		if p.Reason != "" {
			b.WriteString(": " + p.Reason)
		}
		for _, line := range p.LastLines {
			b.WriteString("\n  " + line)
		}
	}
	return b.String()
}
