package polyaxon

import (
	"context"
	"net"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/container"
)

// readyLimit is how long a service may take to answer on its port before it
// counts as running all the same, as a pod without a readiness probe does.
const readyLimit = 20 * time.Second

// await returns when a service answers on all its ports, or has ended.
func (p *podRun) await(process *container.Process, addresses map[int]string) error {
	ctx, cancel := context.WithTimeout(p.ctx, readyLimit)
	defer cancel()
	for _, address := range addresses {
		for !answers(ctx, address) {
			select {
			case <-process.Done():
				return nil // how it ended is told by who waits for it
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

// answers tells whether something takes a connection and keeps it: a relay in
// front of a port where nobody listens takes it, and closes it at once.
func answers(ctx context.Context, address string) bool {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
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
