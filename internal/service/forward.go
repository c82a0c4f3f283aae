package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/relay"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// CheckPort returns an *exit.UsageError if port cannot be forwarded. Port 0 means no
// forwarding.
func (s *Service) CheckPort(port int) error {
	if err := relay.CheckPort(port); err != nil {
		return exit.Usagef("%v", err)
	}
	if port > 0 && !s.Embedded && s.Rest == nil {
		return exit.Usagef("forwarding a port needs access to the cluster: configure cluster in slipway.yaml, or leave --port out")
	}
	return nil
}

// forwarding is a port on loopback that leads to a service.
type forwarding struct {
	address string
	close   func()
	// ctx ends when the forwarding is closed, or with the panic that ended it.
	ctx context.Context
	// answered reports whether the service has answered once. Failures after that are reported
	// as warnings, and other pods as notes.
	answered atomic.Bool
	// pod is the name of the pod that the last connection went to, a string.
	pod atomic.Value
}

// Forward forwards a port of this machine, or any free one if port is 0, to a run of the
// service that is running, until ctx is canceled.
func (s *Service) Forward(ctx context.Context, r *polyaxon.Run, port int) (*Reached, error) {
	f, err := s.forward(ctx, r, port)
	if err != nil {
		return nil, err
	}
	f.answered.Store(true)
	return &Reached{Address: runs.FirstPage(f.address, r), forwarding: f}, nil
}

// forward opens a port on loopback and forwards connections to a service. On a cluster they
// go through a gate to the pod that is ready at the time. In the sandbox they go to the
// service's gate.
func (s *Service) forward(ctx context.Context, r *polyaxon.Run, port int) (*forwarding, error) {
	if s.Embedded {
		return s.relay(ctx, r, port)
	}
	path, err := s.Polyaxon.ServicePath(ctx, r, s.RunNamespace)
	if err != nil {
		return nil, err
	}
	ctx, end := panics.WithCancelOnPanic(ctx)
	f := &forwarding{ctx: ctx}
	g, err := gate.Open(gate.Options{
		Name: fmt.Sprintf("%.8s-%d", r.UUID, port), Port: port, Failed: end, Path: path, StripPath: r.Service().RewritePath, Log: io.Discard, // what matters is reported as events
		Dial: func(context.Context) (net.Conn, error) { return f.dial(ctx, s, r) },
	})
	if err != nil {
		end(nil)
		return nil, portError(port, err)
	}
	f.address, f.close = g.Address(), func() {
		end(nil)
		_ = g.Close()
	}
	return f, nil
}

// portError returns the error for a port that cannot be listened on.
func portError(port int, err error) error {
	return exit.Usagef("%v", &relay.PortError{Port: port, Err: err})
}

// dial connects to the service. If that fails after the service has answered once, it
// reports a warning. If the service has moved to another pod, it says so.
func (f *forwarding) dial(ctx context.Context, s *Service, r *polyaxon.Run) (connection net.Conn, err error) {
	defer panics.Keep(ctx, &err, "the connection to service "+r.Name)
	connection, err = s.dial(ctx, r)
	switch {
	case err == nil && s.Embedded:
	case err == nil:
		pod := connection.RemoteAddr().String()
		if was, _ := f.pod.Swap(pod).(string); was != "" && was != pod && f.answered.Load() {
			s.Note("service " + r.Name + " has moved: connected to pod " + pod)
		}
	case ctx.Err() == nil && f.answered.Load():
		s.Event(report.Warning, "forward", r.Name, err.Error())
	}
	return connection, err
}

// relay forwards a port to the gate that the sandbox has for a service.
func (s *Service) relay(ctx context.Context, r *polyaxon.Run, port int) (*forwarding, error) {
	text, err := runs.GatewayAddress(ctx, s.Platform, r)
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	f := &forwarding{}
	opened, err := relay.Open(ctx, relay.Options{Port: port, Dial: func(ctx context.Context) (net.Conn, error) { return f.dial(ctx, s, r) }})
	if taken := new(relay.PortError); errors.As(err, &taken) {
		return nil, portError(port, taken.Err)
	}
	if err != nil {
		return nil, err
	}
	address.Host = opened.Address()
	f.address, f.ctx, f.close = address.String(), opened.Context(), opened.Close
	return f, nil
}

// dial returns a connection to a service: in the sandbox to the service's process, on a
// cluster to its newest pod that is ready.
func (s *Service) dial(ctx context.Context, r *polyaxon.Run) (net.Conn, error) {
	if s.Embedded {
		address, err := s.Sandbox.ServiceAddress(ctx, r.UUID)
		if err != nil {
			return nil, fmt.Errorf("find service %s in the sandbox: %w", r.Name, err)
		}
		return relay.DialURL(ctx, address)
	}
	ports := r.Service().Ports
	if len(ports) == 0 {
		return nil, errors.New("the operation of service " + r.Name + " declares no port")
	}
	pods, err := s.Cluster.RunPods(ctx, r.UUID)
	if err != nil {
		return nil, err
	}
	for i := len(pods) - 1; i >= 0; i-- { // newest first
		if cluster.Ready(&pods[i]) {
			return s.Cluster.DialPod(ctx, pods[i].Name, ports[0])
		}
	}
	return nil, fmt.Errorf("service %s has no ready pod (run %s has %d pods)", r.Name, r.UUID, len(pods))
}
