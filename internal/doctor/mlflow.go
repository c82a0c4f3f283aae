package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/secret"
)

// lookAtMLflow finds out whether MLflow answers and knows the user of slipway.yaml. Only jobs
// use it, which may reach it where this machine does not.
func lookAtMLflow(ctx context.Context, v *visit, f *findings) {
	if name := v.Config.MLflow.Service(); name != "" {
		f.ok("server", "service %s, which is started when a job needs it", name)
		return
	}
	if v.Config.MLflow.Found() {
		f.hide("server", "MLflow is looked for in the cluster", "slipway cluster status shows whether it is there, and slipway dashboard mlflow opens it")
		return
	}
	p, address := v.Project, v.Config.MLflow.TrackingURI
	if to := platform.New(p); to.MLflowService() != "" && p.Config.Cluster != nil {
		f.hide("server", address+" is an address inside the cluster", "slipway cluster status shows whether the service is there, and slipway dashboard opens it")
		return
	}
	answer, err := askMLflow(ctx, p)
	switch {
	case err != nil && ctx.Err() != nil:
		f.warn("server", fmt.Sprintf("%s: no answer in %s; jobs may reach it", address, f.limit), advice(err, "mlflow.tracking-uri"))
	case err != nil:
		f.warn("server", address+": "+err.Error()+"; jobs may reach it", advice(err, "mlflow.tracking-uri"))
	case answer == http.StatusUnauthorized, answer == http.StatusForbidden:
		err := fmt.Errorf("%s refuses the user (%d)", address, answer)
		f.fail("login", err, "correct mlflow.username and the secret that mlflow.password of slipway.yaml names")
	case answer != http.StatusOK:
		f.warn("server", fmt.Sprintf("%s does not answer as MLflow does (%d)", address, answer), "correct mlflow.tracking-uri in slipway.yaml")
	default:
		f.ok("server", "%s", address)
	}
}

// askMLflow asks for an experiment, and returns the status of the answer.
func askMLflow(ctx context.Context, p *project.Project) (int, error) {
	cfg := p.Config.MLflow
	at, err := url.Parse(cfg.TrackingURI)
	if err != nil {
		return 0, err
	}
	at = at.JoinPath("api/2.0/mlflow/experiments/search")
	at.RawQuery = "max_results=1"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return 0, err
	}
	if cfg.Password != "" {
		password, err := p.ResolveCredential(ctx, cfg.Password, "mlflow", "password")
		if wrong := new(secret.CredentialError); errors.As(err, &wrong) {
			return 0, fmt.Errorf("the password cannot be sent: %w", wrong)
		}
		if err != nil {
			return 0, errors.New("the password cannot be read (see secrets)")
		}
		request.SetBasicAuth(cfg.Username, string(password.Reveal()))
	}
	client := &http.Client{Transport: p.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if failed := new(url.Error); errors.As(err, &failed) {
		err = failed.Err // without the address
	}
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
