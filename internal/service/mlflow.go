package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/mlflow"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/secret"
)

// askMLflow connects with MLflow's tracking server and asks it, for as long as limit. The error of a server that
// does not answer in time is a *noAnswerError.
func askMLflow(ctx context.Context, to *platform.Platform, limit time.Duration, question func(context.Context, *trackingServer) error) error {
	asking, cancel := context.WithTimeoutCause(ctx, limit, &noAnswerError{limit})
	defer cancel()
	t := &trackingServer{Platform: to}
	defer t.close()
	err := t.ask(asking, question)
	if err != nil && asking.Err() != nil {
		return context.Cause(asking)
	}
	return err
}

// noAnswerError says that MLflow did not answer in time.
type noAnswerError struct{ limit time.Duration }

func (e *noAnswerError) Error() string { return fmt.Sprintf("no answer within %s", e.limit) }

// trackingServer is MLflow's tracking server, as this machine reaches it.
type trackingServer struct {
	*platform.Platform
	client mlflow.Client
	// page is the address for browsers, "" if only the cluster can reach it.
	page string
	// end ends what connect began.
	end []func()
}

func (t *trackingServer) close() {
	for _, end := range slices.Backward(t.end) {
		end()
	}
}

// ask connects with the server, and returns the error of asking it, without the address.
func (t *trackingServer) ask(ctx context.Context, question func(context.Context, *trackingServer) error) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	if cfg := t.Config.MLflow; cfg.Password != "" {
		password, err := t.ResolveCredential(ctx, cfg.Password, "mlflow", "password")
		if err != nil {
			return errors.New("the password cannot be read")
		}
		t.client.Username, t.client.Password = cfg.Username, password
	}
	err := question(ctx, t)
	if failed := new(url.Error); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// connect finds the server and a way to it.
func (t *trackingServer) connect(ctx context.Context) error {
	cfg := t.Config.MLflow
	t.client.Transport = t.Transport
	if name := cfg.Service(); name != "" {
		return t.connectService(ctx, &Service{Platform: t.Platform, Job: t.Config.Services[name]})
	}
	inside := t.MLflowService()
	if t.Cluster == nil || t.Embedded || inside == "" && !cfg.Found() {
		t.client.Address, t.page = cfg.Address(), cfg.Address()
		return nil
	}
	found, err := t.Cluster.MLflow(ctx, inside)
	if err != nil {
		return err
	}
	address := cmp.Or(cfg.Address(), found.Address())
	t.client.Address, t.page = address, address
	return t.route(ctx, found)
}

// route sends the requests through the cluster to a pod of a Service.
func (t *trackingServer) route(ctx context.Context, to *cluster.Service) error {
	route, err := to.OpenRoute(ctx)
	if err != nil {
		return err
	}
	ctx, end := panics.WithCancelOnPanic(ctx)
	var following panics.WaitGroup
	following.Go(func() { route.Follow(ctx, func(bool, string) {}) })
	t.end = append(t.end, following.Wait, func() { end(nil) })
	t.dialBy(route.Dial)
	return nil
}

// dialBy makes dial the way to the server.
func (t *trackingServer) dialBy(dial func(context.Context) (net.Conn, error)) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (connection net.Conn, err error) {
		defer panics.Keep(ctx, &err, "the connection to MLflow")
		return dial(ctx)
	}}
	t.client.Transport = transport
	t.end = append(t.end, transport.CloseIdleConnections)
}

// connectService finds the run of the service that is the tracking server.
func (t *trackingServer) connectService(ctx context.Context, s *Service) error {
	alive, err := s.Alive(ctx)
	if err != nil {
		return fmt.Errorf("look for the run of service %s: %w", s.Job.Name, err)
	}
	at := slices.IndexFunc(alive, func(r polyaxon.Run) bool { return r.Status == polyaxon.Running })
	if at < 0 {
		return fmt.Errorf("service %s is not running: slipway up %s starts it", s.Job.Name, s.Job.Name)
	}
	r, err := t.Polyaxon.Run(ctx, t.Config.Project, alive[at].UUID) // a list has no operations
	if err != nil {
		return fmt.Errorf("get the run of service %s: %w", s.Job.Name, err)
	}
	address, err := runs.GatewayAddress(ctx, t.Platform, r)
	if err != nil {
		return err
	}
	root, err := url.Parse(address)
	if err != nil {
		return err
	}
	key := root.Query().Get(gate.Parameter)
	root.RawQuery = ""
	t.client.Address, t.page, t.client.Token = root.String(), root.String(), secret.NewValue([]byte(key))
	if t.Embedded {
		secret.LearnAll(t.Secrets, t.client.Token)
		return nil
	}
	if t.Gateway != nil {
		t.page = ""
	}
	if t.Rest == nil {
		return nil
	}
	if t.client.Address, err = t.Polyaxon.ServiceAddress(ctx, r, t.RunNamespace); err != nil {
		return err
	}
	t.dialBy(func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, r) })
	return nil
}
