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

// probeTimeout is the timeout of one request to a service.
const probeTimeout = 10 * time.Second

// awaitReady sends requests to a service until it answers with a status below 400, at page
// or, if page does not exist, at root. It returns the address that answered. A running
// status is not enough: a notebook takes seconds until it listens, and a program that
// answers 404 serves another path. If the service keeps answering with an error,
// awaitReady notes that once, because it may never change. how is told that it does not answer.
func (s *Service) awaitReady(ctx context.Context, how *patience, target run.Target, carrier http.RoundTripper, page, root string) (string, error) {
	last, told := "nothing", false
	for wait := 50 * time.Millisecond; ; wait = min(wait*3/2, 2*time.Second) {
		address, code, said := s.probePageOrRoot(ctx, carrier, page, root)
		if said != "" {
			last = said
		}
		// Check the run even after an answer: if the run has ended, another process may have its
		// port.
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
			s.Note(fmt.Sprintf("service %s responds with %s at %s; it is ready when it responds with a status below 400 there (the annotation %s of its operation sets another page)",
				s.Job.Name, said, address, polyaxon.PageAnnotation))
		}
		how.still("it runs, and does not answer yet")
		if s.Pause(ctx, wait) != nil {
			return "", fmt.Errorf("%w; the last response from %s was %s", context.Cause(ctx), address, last)
		}
	}
}

// answers reports whether code is the status of a page that exists.
func answers(code int) bool { return code > 0 && code < http.StatusBadRequest }

// probePageOrRoot requests page and, if that does not answer, root. If root answers, it
// requests page once more, because the service may have started in between.
func (s *Service) probePageOrRoot(ctx context.Context, carrier http.RoundTripper, page, root string) (address string, code int, said string) {
	code, said = s.probe(ctx, carrier, page)
	if answers(code) || page == root {
		return page, code, said
	}
	if atRoot, saidThere := s.probe(ctx, carrier, root); answers(atRoot) {
		if again, saidAgain := s.probe(ctx, carrier, page); answers(again) {
			return page, again, saidAgain
		}
		return root, atRoot, saidThere
	}
	return page, code, said
}

// awaitAddress waits until the sandbox has an address for a service. A service gets its
// address a moment after it starts, and loses it when it ends. Without this wait, the
// sandbox itself would answer the request and ask for its token.
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

// isOfService reports whether code is the service's own answer, rather than no answer or a
// gateway's answer for a service that does not listen.
func isOfService(code int) bool {
	return code > 0 && code != http.StatusBadGateway && code != http.StatusServiceUnavailable && code != http.StatusGatewayTimeout
}

// probe returns the status code that a service answers with, 0 for none, and the answer or
// error in words. It does not send Polyaxon's token, because the service is the user's
// program.
func (s *Service) probe(ctx context.Context, carrier http.RoundTripper, address string) (code int, said string) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err.Error()
	}
	response, err := carrier.RoundTrip(request) // RoundTrip does not follow redirects: a redirect is an answer
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
