package tasks

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// askingLimit bounds one question to a service.
const askingLimit = 10 * time.Second

// awaitAnswer asks a service until it answers. That it runs says little: a notebook
// takes seconds until it listens. Whatever it answers counts, but what the gateway
// says for it while it does not: 502, 503 and 504.
func (p *project) awaitAnswer(ctx context.Context, to *platform, service *config.Job, target run.Target, carrier http.RoundTripper, address string) error {
	last := "nothing"
	for wait := 50 * time.Millisecond; ; wait = min(wait*3/2, 2*time.Second) {
		answered, said := p.ask(ctx, carrier, address)
		if said != "" {
			last = said
		}
		// Also after an answer: somebody else may have the port of one that has ended.
		status, _, err := to.polyaxon.Statuses(ctx, target.Project, target.UUID)
		switch {
		case err == nil && status.Terminal():
			return p.ended(ctx, to, service, target)
		case answered:
			return nil
		case err != nil && ctx.Err() == nil && !polyaxon.Temporary(err):
			return err
		}
		if p.pause(ctx, wait) != nil {
			return fmt.Errorf("%w; the last that came from %s was %s", context.Cause(ctx), address, last)
		}
	}
}

// awaitAddress waits until the sandbox gives a service its address, which it has a
// moment after the service runs and until it ends. What stands behind the sandbox's
// token would answer that it wants that.
func (p *project) awaitAddress(ctx context.Context, to *platform, service *config.Job, target run.Target) (string, error) {
	for {
		address, err := to.sandbox.ServiceAddress(ctx, target.UUID)
		if err == nil {
			return address, nil
		}
		if status, _, err := to.polyaxon.Statuses(ctx, target.Project, target.UUID); err == nil && status.Terminal() {
			return "", p.ended(ctx, to, service, target)
		}
		if p.pause(ctx, 50*time.Millisecond) != nil {
			return "", fmt.Errorf("%w: it has no address: %w", context.Cause(ctx), err)
		}
	}
}

// ask tells whether a service answers, and what came else. Polyaxon's token is not
// sent: the service is the user's program.
func (p *project) ask(ctx context.Context, carrier http.RoundTripper, address string) (answered bool, said string) {
	ctx, cancel := context.WithTimeout(ctx, askingLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err.Error()
	}
	response, err := carrier.RoundTrip(request) // a redirect is an answer
	if err != nil {
		if ctx.Err() != nil {
			return false, ""
		}
		return false, err.Error()
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false, response.Status
	}
	return true, response.Status
}

// pause waits for d, or until ctx ends, whose error it then gives.
func (e *Env) pause(ctx context.Context, d time.Duration) error {
	if e.Sleep != nil {
		return e.Sleep(ctx, d)
	}
	return clock.Wait(ctx, d)
}
