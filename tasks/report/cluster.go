package report

import "time"

// Cluster is the state of the cluster, as far as the user may see it.
type Cluster struct {
	Name      string `json:"name,omitempty"` // "" if slipway.yaml names no cluster
	Server    string `json:"server,omitempty"`
	Namespace string `json:"namespace"`
	// User is the name by which the cluster knows the user.
	User   string   `json:"user,omitempty"`
	Groups []string `json:"groups,omitempty"`
	// Rights are the rights that slipway uses for this repository.
	Rights   []Right          `json:"rights,omitempty"`
	Polyaxon *ClusterPolyaxon `json:"polyaxon,omitempty"`
	// Releases are the releases of Helm in the namespace.
	Releases    []Release       `json:"releases,omitempty"`
	Connections []Connection    `json:"connections,omitempty"`
	Volume      *ClusterVolume  `json:"volume,omitempty"`
	Secrets     []ClusterSecret `json:"secrets,omitempty"`
	Pools       []GPUPool       `json:"gpu_pools,omitempty"`
	MLflow      *ClusterService `json:"mlflow,omitempty"`
	// Hidden names what is not visible.
	Hidden []Hidden `json:"not_visible,omitempty"`
}

// Right is a right that slipway uses in the cluster.
type Right struct {
	Verb     string `json:"verb"`
	Resource string `json:"resource"` // with its group and subresource, such as pods/log
	// Names are the objects that it is for. They are nil if the answer is the same for all
	// objects that a deploy uses.
	Names    []string `json:"names,omitempty"`
	For      string   `json:"for"`               // what slipway does with it
	Optional bool     `json:"optional"`          // whether a deploy succeeds without it
	Allowed  *bool    `json:"allowed,omitempty"` // nil if it is unknown
}

// ClusterPolyaxon is the Polyaxon server of the cluster, or of slipway.yaml.
type ClusterPolyaxon struct {
	Host    string `json:"host,omitempty"`
	Version string `json:"version,omitempty"`
	Dist    string `json:"dist,omitempty"`
	// Healthy reports whether it answers and all of its Deployments are ready. It is nil if it
	// answers, and its Deployments are not visible.
	Healthy *bool `json:"healthy,omitempty"`
	// Unready are the Deployments that have fewer ready pods than they want.
	Unready []string `json:"unready,omitempty"`
}

// Release is a release of Helm. If Helm's record is not readable, it is what labels tell.
type Release struct {
	Name       string     `json:"name"`
	Revision   int        `json:"revision,omitempty"`
	Status     string     `json:"status,omitempty"`
	Updated    *time.Time `json:"updated,omitempty"`
	Chart      string     `json:"chart"` // with its version
	AppVersion string     `json:"app_version,omitempty"`
}

// Connection is a connection of Polyaxon's agent.
type Connection struct {
	Name     string `json:"name"`
	Kind     string `json:"kind,omitempty"`
	Mount    string `json:"mount,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`
	Source   string `json:"source,omitempty"` // a claim, a path, a bucket or an address
	Secret   string `json:"secret,omitempty"`
	Store    bool   `json:"store,omitempty"` // whether artifacts of runs are stored there
}

// ClusterVolume is the volume that jobs have at /polyaxon-v1-data.
type ClusterVolume struct {
	Claim string `json:"claim,omitempty"`
	// Connection is the connection of Polyaxon's agent that has the claim.
	Connection string `json:"connection,omitempty"`
	// Directory is where the sandbox keeps it.
	Directory string   `json:"directory,omitempty"`
	Phase     string   `json:"phase,omitempty"` // Bound, Pending, Lost or missing
	Size      string   `json:"size,omitempty"`
	Access    []string `json:"access,omitempty"`
	Class     string   `json:"class,omitempty"`
	Used      *int64   `json:"used_bytes,omitempty"` // nil if it is unknown
	Capacity  *int64   `json:"capacity_bytes,omitempty"`
}

// ClusterSecret is a secret of slipway.yaml, as it is in the cluster.
type ClusterSecret struct {
	Name  string `json:"name"`
	State string `json:"state"` // same, other, missing, there
	// Differs are the keys whose values differ.
	Differs []string `json:"differs,omitempty"`
	// Reason says why it is other though no key differs, or why its values are not compared.
	Reason string `json:"reason,omitempty"`
}

// GPUPool is the nodes of a pool that have GPUs of one type.
type GPUPool struct {
	Name     string   `json:"name,omitempty"`
	Type     string   `json:"type,omitempty"`
	Resource string   `json:"resource"`
	Nodes    int      `json:"nodes"`             // that take new pods
	Unready  int      `json:"unready,omitempty"` // that do not
	GPUs     int64    `json:"gpus"`
	Free     *int64   `json:"free,omitempty"` // nil if it is unknown
	Taints   []string `json:"taints,omitempty"`
}

// ClusterService is a Service of the cluster.
type ClusterService struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Configured reports whether mlflow.tracking-uri names it.
	Configured bool `json:"configured"`
}

// Hidden is something that is not visible.
type Hidden struct {
	What string `json:"what"`
	// Needs is the right that the user lacks, or "" if that is not the reason.
	Needs  string `json:"needs,omitempty"`
	Reason string `json:"reason,omitempty"`
}
