package report

// Served is a model that is, or would be, served.
type Served struct {
	Name   string `json:"name"`
	Action Action `json:"action"` // create, update, unchanged, failed, rolled-back, unknown
	// Model is the job that made the model, and Run the UUID of its run, "" in a plan if the job
	// makes it first.
	Model string `json:"model"`
	Run   string `json:"run,omitempty"`
	// Commit is that of the run, and Metrics are its metrics.
	Commit  string             `json:"commit,omitempty"`
	Metrics map[string]float64 `json:"metrics,omitempty"`
	// By is what serves it: a service of slipway.yaml, or objects of its manifests.
	By []string `json:"by,omitempty"`
	// ServiceRun is the UUID of the service's run, and Address where it answers, "" if only the
	// cluster can reach it.
	ServiceRun string `json:"service_run,omitempty"`
	Address    string `json:"address,omitempty"`
	// Message says what Run does not say.
	Message string `json:"message,omitempty"`
}
