package service

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
)

// Reached is a service that answers.
type Reached struct {
	// Address is where the service answers, "" if only the cluster can reach it.
	Address string

	forwarding *forwarding
}

// Close ends the port forwarding, if there is one.
func (r *Reached) Close() {
	if r.forwarding != nil {
		r.forwarding.close()
	}
}

// Forwards reports whether a port is forwarded to the service.
func (r *Reached) Forwards() bool { return r.forwarding != nil }

// Wait waits until the port forwarding ends, and returns the panic that ended it, if any.
func (r *Reached) Wait() error {
	r.forwarding.answered.Store(true)
	<-r.forwarding.ctx.Done()
	return panics.Cause(r.forwarding.ctx)
}

// Reach waits until the service runs and answers, for at most limit. If port is not zero,
// Reach also forwards that port of this machine to the service, until ctx is cancelled. It
// returns an error if the service ends instead, or does not answer in time.
func (s *Service) Reach(ctx context.Context, target run.Target, limit time.Duration, port int) (*Reached, error) {
	slow := &slowError{service: s.Job.Name, uuid: target.UUID, limit: limit}
	at, err := s.reach(ctx, target, slow, port)
	if errors.Is(err, slow) && ctx.Err() == nil {
		if lines := s.lastLines(ctx, target); len(lines) > 0 {
			err = fmt.Errorf("%w\nits last lines:\n  %s", err, strings.Join(lines, "\n  "))
		}
	}
	return at, err
}

func (s *Service) reach(ctx context.Context, target run.Target, slow *slowError, port int) (*Reached, error) {
	limit := slow.limit
	waiting, cancel := context.WithTimeoutCause(ctx, limit, slow)
	defer cancel()
	told := &patience{Service: s, run: target.UUID}
	now, err := run.AwaitService(waiting, s.Polyaxon, target, func(why string) {
		slow.why = why
		told.starting(why)
	})
	if err != nil {
		if ctx.Err() == nil && waiting.Err() != nil {
			return nil, slow
		}
		return nil, fmt.Errorf("start service %s: %w", s.Job.Name, err)
	}
	if slow.why = ""; now.Status.Terminal() {
		return nil, s.ended(ctx, target)
	}
	if s.Embedded {
		if err := s.awaitAddress(waiting, target); err != nil {
			return nil, err
		}
	}
	root, err := runs.GatewayAddress(waiting, s.Platform, now)
	if err != nil {
		return nil, err
	}
	at, carrier := &Reached{}, s.Transport
	switch {
	case port > 0:
		if at.forwarding, err = s.forward(ctx, now, port); err != nil {
			return nil, err
		}
		root = at.forwarding.address
	case s.Gateway != nil:
		carrier = s.Gateway
	}
	address, err := s.awaitReady(waiting, told, target, carrier, runs.FirstPage(root, now), root)
	if err != nil {
		at.Close()
		return nil, err
	}
	if s.Gateway == nil || port > 0 {
		at.Address = address
	}
	return at, nil
}

// ended returns the error for a service that has ended instead of answering. It includes the
// last lines of the service.
func (s *Service) ended(ctx context.Context, target run.Target) error {
	outcome, err := run.Follow(ctx, s.Polyaxon, target, s.FollowOptions(run.FollowOptions{Logs: true}), noteSink{note: s.Note})
	if err != nil {
		return fmt.Errorf("get the outcome of service %s: %w", s.Job.Name, err)
	}
	if hint := modelHint(s.Job.Served.Path, outcome.LastLines); hint != "" {
		s.Note(hint)
	}
	if err := pipeline.OutcomeError(s.Job, outcome); err != nil {
		return err
	}
	text := fmt.Sprintf("service %s exited before it was ready (run %s succeeded)", s.Job.Name, target.UUID)
	if len(outcome.LastLines) > 0 {
		text += "\nits last lines:\n  " + strings.Join(outcome.LastLines, "\n  ")
	}
	return errors.New(text)
}

// modelHint returns what to do if the last lines of a server name something in the directory of its model
// that is not there, and "" otherwise.
func modelHint(directory string, lines []string) string {
	missing := func(line string) bool {
		return strings.Contains(line, directory) && strings.Contains(line, "No such file or directory")
	}
	if directory == "" || !slices.ContainsFunc(lines, missing) {
		return ""
	}
	return "the run that made the model has to write it into " + directory + ", which is MODEL_PATH of the server: " +
		"let its program write below " + path.Dir(directory) + "/{{ globals.uuid }} (such as by a param OUTPUT_DIR), or change serve.NAME.path"
}

// linesLimit is how long lastLines reads the lines of a service.
const linesLimit = 3 * time.Second

// lastLines returns the last lines that a service that has not ended has printed.
func (s *Service) lastLines(ctx context.Context, target run.Target) []string {
	ctx, cancel := context.WithTimeout(ctx, linesLimit)
	defer cancel()
	sink := &lastLinesSink{}
	_, _ = run.Follow(ctx, s.Polyaxon, target, s.FollowOptions(run.FollowOptions{Logs: true}), sink) // it ends with the limit
	return sink.lines
}

// maxLastLines is how many lines lastLines returns at most.
const maxLastLines = 20

// lastLinesSink keeps the last lines.
type lastLinesSink struct {
	discardSink
	lines []string
}

func (s *lastLinesSink) Line(l polyaxon.LogLine) {
	s.lines = append(s.lines, logline.Sanitize(l.Value))
	s.lines = s.lines[max(0, len(s.lines)-maxLastLines):]
}

// discardSink is a sink that discards everything. It is used when only the end of a run
// matters.
type discardSink struct{}

func (discardSink) Status(polyaxon.Condition) {}
func (discardSink) Line(polyaxon.LogLine)     {}
func (discardSink) Waits(string)              {}
func (discardSink) Progress(string)           {}
func (discardSink) Note(string)               {}

// noteSink passes on notes, such as what the image of the service lacks, and discards everything else.
type noteSink struct {
	discardSink
	note func(string)
}

func (s noteSink) Note(text string) { s.note(text) }

// slowError says that a service did not answer in time. The service is not stopped, because
// the node or the image that it waits for may still become available.
type slowError struct {
	service, uuid string
	limit         time.Duration
	// why is the last reason that the service waited for, "" if unknown.
	why string
}

// Error says that the service is slow, and which commands help.
func (e *slowError) Error() string {
	why := ""
	if e.why != "" {
		why = " (it waits: " + e.why + ")"
	}
	return fmt.Sprintf("service %s timed out: it was not ready within %s%s, and was left as it is: slipway status %s shows its state, slipway up %s waits for it again, and slipway down %s stops it",
		e.service, e.limit, why, e.uuid, e.service, e.service)
}
