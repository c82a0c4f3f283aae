package platform

import (
	"maps"
	"slices"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// CheckCombination returns a *source.Error for combinations of sandbox and cloud that
// cannot work: a cluster elsewhere can neither pull from the sandbox's registry nor see
// the sandbox's secrets.
func (to *Platform) CheckCombination(u Uses) error {
	cfg := to.Config
	switch {
	case u.Volume && cfg.Cluster == nil:
		return &source.Error{Position: cfg.At("volume", "create"), Message: "there is no cluster to create the volume claim in",
			Hint: "set cluster, or leave out volume.create"}
	case !u.Images && !u.Secrets: // no image or secret is sent that runs could miss
	case u.Images && cfg.Cluster != nil && cfg.Registry == "":
		return &source.Error{Position: cfg.At("cluster"), Message: "runs in the cluster cannot pull from the sandbox's registry",
			Hint: "set registry, or leave cluster out to use the sandbox"}
	case u.Images && cfg.Polyaxon != nil && cfg.Registry == "":
		return &source.Error{Position: cfg.At("polyaxon"), Message: "runs on " + cfg.Polyaxon.Host + " cannot pull from the sandbox's registry",
			Hint: "set registry, or leave polyaxon out to use the sandbox"}
	case u.Secrets && cfg.Polyaxon != nil && cfg.Cluster == nil && secretAt(to.Project) != nil:
		return &source.Error{Position: cfg.At(secretAt(to.Project)...), Message: "runs on " + cfg.Polyaxon.Host + " cannot see the sandbox's secrets",
			Hint: "set cluster, or leave polyaxon out to use the sandbox"}
	}
	return nil
}

// secretAt returns the keys of the first place in slipway.yaml that needs a Kubernetes
// Secret, or nil if there is none.
func secretAt(p *project.Project) []string {
	if len(p.Config.Secrets) > 0 {
		return []string{"secrets"}
	}
	for _, j := range append(p.Jobs(), p.Services()...) {
		for _, name := range slices.Sorted(maps.Keys(p.SecretParams(j))) {
			return []string{project.Section(j), j.Name, "params", name}
		}
	}
	if p.Config.MLflow != nil && p.Config.MLflow.Password != "" {
		return []string{"mlflow", "password"}
	}
	return nil
}
