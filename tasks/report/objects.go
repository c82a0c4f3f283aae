package report

// Secret is a Kubernetes Secret that was, or would be, synced. It has the names of keys
// and what is done to each, but never a value.
type Secret struct {
	Name   string            `json:"name"`
	Action Action            `json:"action"` // create, update, unchanged, prune, unknown
	Keys   map[string]string `json:"keys,omitempty"`
	// Users are what runs and uses the Secret, as far as it is visible. They are looked for
	// only if a value changes.
	Users []SecretUser `json:"users,omitempty"`
}

// Manifest is an object of a manifest that was, or would be, applied.
type Manifest struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Action Action `json:"action"` // create, update, replace, unchanged, prune, left, rolled-back, unknown
	// Reason says why the object is replaced or left.
	Reason string `json:"reason,omitempty"`
	// Diff shows how the object changes, with masked secrets.
	Diff string `json:"diff,omitempty"`
}

// SecretUser is something that runs and uses a Secret. It may keep the Secret's old value
// until it is restarted.
type SecretUser struct {
	Kind string `json:"kind"` // service, Deployment, StatefulSet, DaemonSet, Pod
	Name string `json:"name"`
	// Run is the UUID of the run of Polyaxon that it is, or belongs to.
	Run       string `json:"run,omitempty"`
	Restarted bool   `json:"restarted,omitempty"`
}

// Volume is the PersistentVolumeClaim of slipway.yaml. Size, Access and Class are those of
// the claim that is there, or of the one that would be created.
type Volume struct {
	Claim  string `json:"claim"`
	Action Action `json:"action"` // create, unchanged, differs, unknown
	Size   string `json:"size,omitempty"`
	Access string `json:"access,omitempty"`
	Class  string `json:"class,omitempty"`
	// Status is the phase of the claim: Bound, Pending or Lost.
	Status string `json:"status,omitempty"`
	// Differences are what the claim that is there has that slipway.yaml does not say, and
	// what to do about it.
	Differences []string `json:"differences,omitempty"`
}
