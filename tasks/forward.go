package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/report"
)

// mayForward refuses a port that cannot lead anywhere, before anything is started.
func (p *project) mayForward(to *platform, port int) error {
	switch {
	case port < 0 || port > 65535:
		return usagef("%d is no port: ports are 1 to 65535", port)
	case port > 0 && !to.embedded && to.access == nil:
		return usagef("a port is forwarded through the cluster: name it in slipway.yaml (cluster), or leave --port out")
	}
	return nil
}

// forwarding is a port of loopback that leads to a service.
type forwarding struct {
	address string
	close   func()
	// answered tells that the service did once: what fails from then on is told.
	answered atomic.Bool
}

// forward opens a port of loopback and leads what comes there to the service's pod,
// whichever that is at the time.
func (p *project) forward(ctx context.Context, to *platform, r *polyaxon.Run, port int) (*forwarding, error) {
	local, err := p.localAddress(ctx, to, r)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, usagef("port %d of this machine cannot be used: %v", port, err)
	}
	local.Scheme, local.Host = "http", listener.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	var group panics.WaitGroup
	f := &forwarding{address: local.String(), close: func() {
		cancel()
		_ = listener.Close()
		group.Wait()
	}}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	group.Go(func() {
		for {
			local, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				if err := p.carry(ctx, to, r, local); err != nil && f.answered.Load() {
					p.event(report.Warning, "forward", r.Name, err.Error())
				}
			})
		}
	})
	return f, nil
}

// localAddress gives where a service answers at a port that leads to its pod, whose
// gateway takes nothing off, or to the gate that the sandbox has for it.
func (p *project) localAddress(ctx context.Context, to *platform, r *polyaxon.Run) (*url.URL, error) {
	if !to.embedded && r.Service().RewritePath {
		return &url.URL{Path: "/"}, nil
	}
	address, err := p.gatewayAddress(ctx, to, r)
	if err != nil {
		return nil, err
	}
	return url.Parse(address)
}

// carry connects one connection with the service, until either end closes it.
func (p *project) carry(ctx context.Context, to *platform, r *polyaxon.Run, local net.Conn) error {
	defer local.Close()
	remote, err := p.dialService(ctx, to, r)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var once sync.Once
	end := func() { once.Do(func() { _, _ = local.Close(), remote.Close() }) }
	defer context.AfterFunc(ctx, end)()
	var group panics.WaitGroup
	for from, into := range map[net.Conn]net.Conn{local: remote, remote: local} {
		group.Go(func() { defer end(); _, _ = io.Copy(into, from) })
	}
	group.Wait()
	return nil
}

// dialService gives a connection to a service: through the cluster to a pod of it
// that is ready, or to the process that is it in the sandbox.
func (p *project) dialService(ctx context.Context, to *platform, r *polyaxon.Run) (net.Conn, error) {
	if to.embedded {
		address, err := to.sandbox.ServiceAddress(ctx, r.UUID)
		if err != nil {
			return nil, fmt.Errorf("find service %s in the sandbox: %w", r.Name, err)
		}
		at, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, "tcp", at.Host)
	}
	ports := r.Service().Ports
	if len(ports) == 0 {
		return nil, errors.New("the operation of service " + r.Name + " names no port")
	}
	pods, err := to.cluster.RunPods(ctx, r.UUID)
	if err != nil {
		return nil, err
	}
	for i := len(pods) - 1; i >= 0; i-- { // the newest first
		if cluster.Ready(&pods[i]) {
			return to.cluster.DialPod(ctx, pods[i].Name, ports[0])
		}
	}
	return nil, fmt.Errorf("service %s has no pod that is ready (run %s has %d pods)", r.Name, r.UUID, len(pods))
}
