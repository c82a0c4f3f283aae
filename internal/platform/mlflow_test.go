package platform

import (
	"testing"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/project"
)

func TestMLflowService(t *testing.T) {
	for uri, want := range map[string]string{
		"http://tracking:5000": "tracking", "http://tracking.polyaxon-v1:5000": "tracking", "http://tracking.polyaxon-v1.svc.cluster.local": "tracking",
		"http://tracking.other:5000": "", "https://mlflow.acme.dev": "", "https://mlflow.polyaxon-v1.dev": "", "http://127.0.0.1:5000": "", "http://localhost:5000": "", "": "",
	} {
		to := &Platform{Project: &project.Project{Config: &config.Config{MLflow: &config.MLflow{TrackingURI: uri}}}, RunNamespace: "polyaxon-v1"}
		if got := to.MLflowService(); got != want {
			t.Errorf("%q names %q, want %q", uri, got, want)
		}
	}
}
