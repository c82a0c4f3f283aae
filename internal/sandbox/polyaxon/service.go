package polyaxon

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
)

// readyLimit is how long a service may take to accept connections. After that it counts
// as running, as a pod without a readiness probe does.
const readyLimit = 20 * time.Second

// service is a running service. The user's browser reaches it through its gate, and
// holders of the server's token through the server.
type service struct {
	gate  *gate.Gate
	ports []int
	dial  func(ctx context.Context, port int) (net.Conn, error)
}

// serve opens the gate of a service. Calling end closes it.
func (p *podRun) serve(process *container.Process) (end func(), err error) {
	s := &service{ports: p.o.Ports, dial: func(ctx context.Context, port int) (net.Conn, error) {
		if !slices.Contains(p.o.Ports, port) {
			return nil, fmt.Errorf("the service has no port %d", port)
		}
		return process.Dial(ctx, port)
	}}
	s.gate, err = gate.Open(gate.Options{
		Name: p.run.UUID[:8], Path: p.basePath(), StripPath: p.o.RewritePath, Log: p.options.Log,
		Dial: func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, p.o.Ports[0]) },
	})
	if err != nil {
		return nil, fmt.Errorf("open a port of loopback: %w", err)
	}
	change := func(now *service) {
		p.mu.Lock()
		p.x.service = now
		p.mu.Unlock()
	}
	change(s)
	return func() {
		change(nil)
		_ = s.gate.Close()
	}, nil
}

// basePath returns the path under which a service believes it is served: the gateway's
// path for its port, if the service's command or environment contains that. Otherwise it
// is "".
func (p *podRun) basePath() string {
	texts := slices.Concat(p.o.Container.Command, p.o.Container.Args)
	for _, e := range p.o.Container.Env {
		texts = append(texts, e.Value)
	}
	for _, prefix := range p.dialect.gateways {
		base := prefix + strings.Join([]string{p.options.Namespace, owner, p.run.Project, "runs", p.run.UUID}, "/")
		if p.dialect.portInPath {
			base += "/" + strconv.Itoa(p.o.Ports[0])
		}
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, base) }) {
			return base + "/"
		}
	}
	return ""
}

// await returns when a service accepts connections on all its ports or has ended, at the
// latest after readyLimit. It returns an error if the run ends first.
func (p *podRun) await(process *container.Process, ports []int) error {
	ctx, cancel := context.WithTimeout(p.ctx, readyLimit)
	defer cancel()
	for _, port := range ports {
		for !answers(ctx, process, port) {
			select {
			case <-process.Done():
				return nil // the goroutine that waits for it reports how it ended
			case <-ctx.Done():
				if p.ctx.Err() == nil {
					return nil
				}
				process.Stop(grace)
				_, _ = process.Wait() // it was stopped
				return context.Cause(p.ctx)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// answers reports whether something accepts a connection and keeps it open. A relay in
// front of a port on which nothing listens accepts it and closes it at once.
func answers(ctx context.Context, process *container.Process, port int) bool {
	connection, err := process.Dial(ctx, port)
	if err != nil {
		return false
	}
	defer connection.Close()
	if err := connection.SetReadDeadline(time.Now().Add(30 * time.Millisecond)); err != nil {
		return false
	}
	_, err = connection.Read(make([]byte, 1))
	timeout, ok := err.(net.Error) //nolint:errorlint // what Read gives is bare
	return err == nil || ok && timeout.Timeout()
}
