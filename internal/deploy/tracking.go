package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	runsof "github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// tracking is MLflow's tracking server: a service of slipway.yaml, which it starts, a
// Service of the cluster, which it finds, or one whose address slipway.yaml has.
type tracking struct {
	*Deployment
	// job is the service, nil for a server that slipway does not start.
	job *config.Job

	mu      sync.Mutex
	address string
	err     error
	// ready reports whether the experiment was created, as far as it can be.
	ready bool
	// started is the run of the service. It has no name until a job has needed it.
	started pipeline.JobResult
}

// addTracking adds the tracking server, if jobs, or services that serve models, need it.
func (d *Deployment) addTracking() {
	m := d.Config.MLflow
	if d.tracking != nil || !slices.ContainsFunc(d.withServices(), m.Tracks) {
		return
	}
	d.tracking = &tracking{Deployment: d, job: d.Config.Services[m.Service()], address: m.Address()}
}

// Placeholder implements pipeline.Tracking.
func (t *tracking) Placeholder() string {
	return cmp.Or(t.Config.MLflow.Address(), job.PlaceholderMLflow)
}

// Address implements pipeline.Tracking. It also creates the experiment, before the first run needs it.
func (t *tracking) Address(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	address, err := t.locate(ctx)
	if err == nil && !t.ready {
		t.trackingServer().CreateExperiment(ctx)
		t.ready = ctx.Err() == nil
	}
	return address, err
}

// check returns an error if the cluster does not have the server.
func (t *tracking) check(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.job != nil {
		return nil
	}
	_, err := t.locate(ctx)
	return err
}

// locate returns the address, and the same error each time. t.mu must be held.
func (t *tracking) locate(ctx context.Context) (string, error) {
	if t.address != "" || t.err != nil {
		return t.address, t.err
	}
	find := t.find
	if t.job != nil {
		find = t.start
	}
	address, err := find(ctx)
	if err != nil && ctx.Err() == nil {
		t.err = err
	}
	t.address = address
	return address, err
}

// find returns the address of the MLflow in the cluster's namespace.
func (t *tracking) find(ctx context.Context) (string, error) {
	at := t.Config.At("mlflow", "tracking-uri")
	if t.Cluster == nil {
		return "", project.WithPosition(at, errors.New("MLflow is looked for in the cluster, which cannot be reached"))
	}
	found, err := t.Cluster.MLflow(ctx, "")
	if errors.As(err, new(*cluster.NoServiceError)) || errors.As(err, new(*cluster.AmbiguousServiceError)) || errors.As(err, new(*cluster.NoPortError)) {
		return "", project.WithPosition(at, err)
	}
	if err != nil {
		return "", err
	}
	return found.Address(), nil
}

// start returns the address of the service. It starts it if it does not run, whatever its
// inputs: other jobs may be using it.
func (t *tracking) start(ctx context.Context) (string, error) {
	s := &service.Service{Platform: t.Platform, Job: t.job}
	address, err := t.reach(ctx, s)
	if err == nil || ctx.Err() != nil || errors.As(err, new(*panics.Error)) || errors.As(err, new(*source.Error)) {
		return address, err
	}
	return "", &pipeline.TrackingError{Err: err}
}

func (t *tracking) reach(ctx context.Context, s *service.Service) (string, error) {
	p := &pipeline.Pipeline{Platform: t.Platform, Options: pipeline.Options{Detach: true}, References: t.references}
	uuid, err := t.submit(ctx, p)
	if err != nil {
		return "", err
	}
	limit := cmp.Or(t.Config.MLflow.Wait, config.DefaultMLflowWait)
	t.Report(report.Event{Kind: report.Advance, Step: "mlflow", Subject: t.job.Name, Run: uuid, Message: waiting(t.job.Name, limit)})
	if _, err := reach(ctx, s, p, &t.started, limit); err != nil {
		return "", err
	}
	t.started.Status = polyaxon.Running
	r, err := t.Polyaxon.Run(ctx, t.Config.Project, uuid)
	if err != nil {
		return "", fmt.Errorf("get the run of service %s: %w", t.job.Name, err)
	}
	address, err := t.addressOf(ctx, r)
	if err == nil {
		t.Report(report.Event{Kind: report.Done, Step: "mlflow", Subject: t.job.Name, Run: uuid, Status: string(polyaxon.Running), Message: address})
	}
	return address, err
}

// addTo adds the service to the jobs of a result, if a run has needed it. t may be nil.
func (t *tracking) addTo(result *report.Result) {
	if t != nil && t.job != nil && t.started.Name != "" && !t.isIn(result) {
		result.Jobs = append(result.Jobs, t.started.Report())
	}
}

func (t *tracking) isIn(result *report.Result) bool {
	return slices.ContainsFunc(result.Jobs, func(j report.Job) bool { return j.Name == t.job.Name })
}

// plan adds to a result what a deploy that submits a run of j would do with the service, and returns how many runs of it
// would be started. asks reports whether Polyaxon can be asked. t may be nil.
func (t *tracking) plan(ctx context.Context, j *config.Job, result *report.Result, asks bool) (starts int, err error) {
	if t == nil || t.job == nil || !t.Config.MLflow.Tracks(j) || t.isIn(result) {
		return 0, nil
	}
	planned := report.Job{Name: t.job.Name, Action: report.ActionUnknown}
	if asks {
		active, err := t.active(ctx)
		switch {
		case err != nil:
			return 0, err
		case active != nil:
			planned.Action, planned.Run = report.ActionAttach, runsof.Report(active)
		default:
			planned.Action, starts = report.ActionSubmit, 1
		}
	}
	result.Jobs = append(result.Jobs, planned)
	return starts, nil
}

// active returns the newest run of the service that is active and not stopping, or nil if
// there is none.
func (t *tracking) active(ctx context.Context) (*polyaxon.Run, error) {
	alive, err := (&service.Service{Platform: t.Platform, Job: t.job}).Alive(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for the run of service %s: %w", t.job.Name, err)
	}
	if at := slices.IndexFunc(alive, func(r polyaxon.Run) bool { return r.Status != polyaxon.Stopping }); at >= 0 {
		return &alive[at], nil
	}
	return nil, nil
}

// submit returns the run of the service: the one that is active, or else a new one.
func (t *tracking) submit(ctx context.Context, p *pipeline.Pipeline) (uuid string, err error) {
	active, err := t.active(ctx)
	if err != nil {
		return "", err
	}
	if active != nil {
		t.started = pipeline.ResultOf(t.job.Name, active)
		t.started.Action = pipeline.Attached
		return active.UUID, nil
	}
	t.started, err = p.Job(ctx, t.job, nil)
	return t.started.UUID(), err
}

// addressOf returns the address of the service for jobs. In the sandbox, its key is kept in a
// Secret, which jobs refer to.
func (t *tracking) addressOf(ctx context.Context, r *polyaxon.Run) (string, error) {
	if !t.Embedded {
		return t.Polyaxon.ServiceAddress(ctx, r, t.RunNamespace)
	}
	text, err := t.Sandbox.ServiceAddress(ctx, r.UUID)
	if err != nil {
		return "", fmt.Errorf("find service %s in the sandbox: %w", t.job.Name, err)
	}
	at, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	key := secret.NewValue([]byte(at.Query().Get(gate.Parameter)))
	secret.LearnAll(t.Secrets, key)
	if err := t.Cluster.EnsureNamespace(ctx); err != nil {
		return "", err
	}
	// It has no project, so that it is not pruned with the secrets of slipway.yaml.
	b := secret.Opaque(t.MLflowSecret(), map[string]secret.Value{project.MLflowToken: key})
	if err := t.Cluster.Secrets().Apply(ctx, b, true); err != nil {
		return "", err
	}
	return strings.TrimSuffix("http://"+at.Host+at.EscapedPath(), "/"), nil
}
