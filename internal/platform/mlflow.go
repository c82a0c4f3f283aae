package platform

import (
	"net/url"
	"strings"
)

// MLflowService returns the name of the Service of the runs' namespace that
// mlflow.tracking-uri of slipway.yaml names, or "" if it names none of them.
func (to *Platform) MLflowService() string {
	at, err := url.Parse(to.Config.MLflow.Address())
	if err != nil {
		return ""
	}
	name, rest, qualified := strings.Cut(at.Hostname(), ".")
	inside := rest == to.RunNamespace || rest == to.RunNamespace+".svc" || strings.HasPrefix(rest, to.RunNamespace+".svc.")
	if qualified && !inside || name == "localhost" {
		return ""
	}
	return name
}
