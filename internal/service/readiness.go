package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
)

// askingLimit bounds one question to a service.
const askingLimit = 10 * time.Second

// awaitReady asks a service until it answers with a status below 400 at the page that
// people open first or, where it has none, at its root, and gives which it was. That it
// runs says little: a notebook takes seconds until it listens, and a program that
// answers 404 lives at another path. What it answers for long is told, since it may
// never change.
func (s *Service) awaitReady(ctx context.Context, target run.Target, carrier http.RoundTripper, page, root string) (string, error) {
	last, told := "nothing", false
	for wait := 50 * time.Millisecond; ; wait = min(wait*3/2, 2*time.Second) {
		address, code, said := s.askEither(ctx, carrier, page, root)
		if said != "" {
			last = said
		}
		// Also after an answer: somebody else may have the port of one that has ended.
		status, _, err := s.Polyaxon.Statuses(ctx, target.Project, target.UUID)
		switch {
		case err == nil && status.Terminal():
			return "", s.ended(ctx, target)
		case answers(code):
			return address, nil
		case err != nil && ctx.Err() == nil && !polyaxon.Temporary(err):
			return "", err
		case isOfService(code) && wait > time.Second && !told:
			told = true
			s.Note(fmt.Sprintf("service %s answers %s at %s; it counts as up when it answers with a status below 400 there (the annotation %s of its operation names another page)",
				s.Job.Name, said, address, polyaxon.PageAnnotation))
		}
		if s.Pause(ctx, wait) != nil {
			return "", fmt.Errorf("%w; the last that came from %s was %s", context.Cause(ctx), address, last)
		}
	}
}

// answers reports whether a status is that of a page that is there.
func answers(code int) bool { return code > 0 && code < http.StatusBadRequest }

// askEither asks a service for its page and, unless that answers, for its root. The
// page is asked again after the root: the service may have begun meanwhile.
func (s *Service) askEither(ctx context.Context, carrier http.RoundTripper, page, root string) (address string, code int, said string) {
	code, said = s.ask(ctx, carrier, page)
	if answers(code) || page == root {
		return page, code, said
	}
	if atRoot, saidThere := s.ask(ctx, carrier, root); answers(atRoot) {
		if again, saidAgain := s.ask(ctx, carrier, page); answers(again) {
			return page, again, saidAgain
		}
		return root, atRoot, saidThere
	}
	return page, code, said
}

// awaitAddress waits until the sandbox gives a service its address, which it has a
// moment after the service runs and until it ends. What stands behind the sandbox's
// token would answer that it wants that.
func (s *Service) awaitAddress(ctx context.Context, target run.Target) error {
	for {
		_, err := s.Sandbox.ServiceAddress(ctx, target.UUID)
		if err == nil {
			return nil
		}
		if status, _, err := s.Polyaxon.Statuses(ctx, target.Project, target.UUID); err == nil && status.Terminal() {
			return s.ended(ctx, target)
		}
		if s.Pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("%w: it has no address: %w", context.Cause(ctx), err)
		}
	}
}

// isOfService tells a service's own answer from what a gateway says for it while it
// does not listen, and from none.
func isOfService(code int) bool {
	return code > 0 && code != http.StatusBadGateway && code != http.StatusServiceUnavailable && code != http.StatusGatewayTimeout
}

// ask gives the status that a service answers with, 0 for none, and what came in
// words. Polyaxon's token is not sent: the service is the user's program.
func (s *Service) ask(ctx context.Context, carrier http.RoundTripper, address string) (code int, said string) {
	ctx, cancel := context.WithTimeout(ctx, askingLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err.Error()
	}
	response, err := carrier.RoundTrip(request) // a redirect is an answer
	if err != nil {
		if ctx.Err() != nil {
			return 0, ""
		}
		return 0, err.Error()
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	return response.StatusCode, response.Status
}
