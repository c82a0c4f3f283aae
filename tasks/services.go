package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// UpOptions say how a service is started.
type UpOptions struct {
	// Service is its name.
	Service string
	// Params of the command line, each NAME=VALUE.
	Params []string
	// Keep leaves runs of the service with other inputs as they are; they are
	// stopped otherwise.
	Keep bool
	// Port, when it is not zero, is a port of this machine's loopback that leads to
	// the service until ctx is cancelled.
	Port int
	// Wait is how long the service may take until it answers, 10 minutes when zero.
	Wait time.Duration
}

// DefaultWait is how long a service may take until it answers.
const DefaultWait = 10 * time.Minute

// Up starts a service, or finds the one that runs for the same inputs, stops its
// runs with other inputs, waits until it answers, and gives its address. The
// service outlives the command; Down stops it. Cancelling ctx while it starts stops
// it; while a port is forwarded that only ends the forwarding.
func Up(ctx context.Context, env *Env, o UpOptions) (*Result, error) {
	name := o.Service
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("up")
	service, ok := p.config.Services[name]
	if !ok {
		return result, p.noService(name)
	}
	if o.Wait < 0 {
		return result, usagef("nothing answers within %s: --wait is a time such as 10m", o.Wait)
	}
	d, err := p.prepareOnly(ctx, service, o.Params, false)
	if err != nil {
		return result, err
	}
	if err := p.mayForward(d.to, o.Port); err != nil {
		return result, err
	}
	result.Jobs, err = p.deployOne(ctx, d, service, result, jobOptions{Detach: true})
	if err != nil {
		return result, err
	}
	started := &result.Jobs[0]
	target := run.Target{Namespace: d.to.namespace, Project: p.config.Project, UUID: started.UUID, Kind: "service"}
	if !o.Keep {
		if err := p.replace(ctx, d.to, name, started.UUID); err != nil {
			if ctx.Err() != nil {
				return result, p.abandon(ctx, ctx, d.to, service, target, &started.Run, err)
			}
			return result, err
		}
	}
	at, err := p.reach(ctx, d.to, service, target, o)
	if err != nil {
		if ctx.Err() != nil {
			return result, p.abandon(ctx, ctx, d.to, service, target, &started.Run, err)
		}
		if now, asked := d.to.polyaxon.Run(ctx, p.config.Project, target.UUID); asked == nil {
			started.Status = string(now.Status)
		}
		return result, err
	}
	defer at.close()
	started.Status, started.Address = string(polyaxon.Running), at.address
	p.event(report.Done, "up", name, at.address)
	if at.address == "" {
		p.event(report.Note, "", "", "only the cluster reaches it: slipway up "+name+" --port 8888 leads port 8888 of this machine to it")
	}
	if at.forwarding != nil {
		at.forwarding.answered.Store(true)
		p.event(report.Note, "", "", "the port leads to the service until this command is interrupted; the service goes on then, and slipway down "+name+" stops it")
		<-at.forwarding.ctx.Done()
		return result, panics.Fault(at.forwarding.ctx)
	}
	return result, nil
}

// reached is a service that answers.
type reached struct {
	address string
	// forwarding is nil without a port.
	forwarding *forwarding
}

func (r *reached) close() {
	if r.forwarding != nil {
		r.forwarding.close()
	}
}

// reach waits until a service runs and answers, for as long as o says.
func (p *project) reach(ctx context.Context, to *platform, service *config.Job, target run.Target, o UpOptions) (*reached, error) {
	limit := o.Wait
	if limit == 0 {
		limit = DefaultWait
	}
	slow := &slowError{service: service.Name, uuid: target.UUID, limit: limit}
	waiting, cancel := context.WithTimeoutCause(ctx, limit, slow)
	defer cancel()
	now, err := run.AwaitService(waiting, to.polyaxon, target, func(why string) {
		slow.why = why
		p.event(report.Status, "up", service.Name, "waits: "+why)
	})
	if err != nil {
		if ctx.Err() == nil && waiting.Err() != nil {
			return nil, slow
		}
		return nil, fmt.Errorf("start service %s: %w", service.Name, err)
	}
	if slow.why = ""; now.Status.Terminal() {
		return nil, p.ended(ctx, to, service, target)
	}
	if to.embedded {
		if err := p.awaitAddress(waiting, to, service, target); err != nil {
			return nil, err
		}
	}
	root, err := p.gatewayAddress(waiting, to, now)
	if err != nil {
		return nil, err
	}
	at, carrier := &reached{}, p.Transport
	switch {
	case o.Port > 0:
		if at.forwarding, err = p.forward(ctx, to, now, o.Port); err != nil {
			return nil, err
		}
		root = at.forwarding.address
	case to.gateway != nil:
		carrier = to.gateway
	}
	address, err := p.awaitAnswer(waiting, to, service, target, carrier, opened(root, now), root)
	if err != nil {
		at.close()
		return nil, err
	}
	if to.gateway == nil || o.Port > 0 {
		at.address = address
	}
	return at, nil
}

// slowError is a service that did not answer in time. It is left as it is: the node
// or the image that it waits for may come.
type slowError struct {
	service, uuid string
	limit         time.Duration
	// why is what it waited for last, "" when that is not known.
	why string
}

// Error says what to do.
func (e *slowError) Error() string {
	why := ""
	if e.why != "" {
		why = " (it waits: " + e.why + ")"
	}
	return fmt.Sprintf("service %s did not answer within %s%s, and was left as it is: slipway status %s tells what became of it, slipway up %s waits for it again, and slipway down %s stops it",
		e.service, e.limit, why, e.uuid, e.service, e.service)
}

// ended is the error of a service that has ended instead of answering, with its last
// lines.
func (p *project) ended(ctx context.Context, to *platform, service *config.Job, target run.Target) error {
	outcome, err := run.Follow(ctx, to.polyaxon, target, p.following(to, run.FollowOptions{Logs: true}), silence{})
	if err != nil {
		return fmt.Errorf("ask how service %s ended: %w", service.Name, err)
	}
	if err := verdict(service, outcome); err != nil {
		return err
	}
	text := fmt.Sprintf("service %s has ended by itself (run %s succeeded) instead of answering", service.Name, target.UUID)
	if len(outcome.LastLines) > 0 {
		text += "\nits last lines:\n  " + strings.Join(outcome.LastLines, "\n  ")
	}
	return errors.New(text)
}

// silence is a sink for a run of which only the end is of interest.
type silence struct{}

func (silence) Status(polyaxon.Condition) {}
func (silence) Line(polyaxon.LogLine)     {}
func (silence) Waits(string)              {}
func (silence) Progress(string)           {}
func (silence) Note(string)               {}

// replace stops the runs of a service that go on beside this one: their inputs are
// others. Runs that slipway did not start are left.
func (p *project) replace(ctx context.Context, to *platform, name, uuid string) error {
	runs, err := p.alive(ctx, to, name)
	if err != nil {
		return fmt.Errorf("look for other runs of service %s: %w", name, err)
	}
	for i := range runs {
		r := &runs[i]
		switch {
		case r.UUID == uuid:
		case r.MetaInfo[run.MetaKey] == nil:
			p.event(report.Note, "", "", fmt.Sprintf("run %s is called %s too and was not started by slipway; it is left as it is", r.UUID, name))
		default:
			p.event(report.Note, "", "", fmt.Sprintf("the inputs of service %s have changed: run %s, which has the old ones, is stopped (--keep leaves it)", name, r.UUID))
			if err := run.Stop(ctx, to.polyaxon, p.target(to, r)); err != nil {
				return fmt.Errorf("stop run %s of service %s: %w", r.UUID, name, err)
			}
		}
	}
	return nil
}

// alive gives the runs of this name that go on, the newest first.
func (p *project) alive(ctx context.Context, to *platform, name string) ([]polyaxon.Run, error) {
	runs, _, err := to.polyaxon.Runs(ctx, p.config.Project, polyaxon.Query{Query: "name:" + name, Sort: "-created_at", Limit: runsLimit})
	if polyaxon.IsNotFound(err) {
		return nil, nil
	}
	var going []polyaxon.Run
	for i := range runs {
		if runs[i].Name == name && !runs[i].Status.Terminal() {
			going = append(going, runs[i])
		}
	}
	return going, err
}

// endLimit is how long Down waits for a service to end that was told to.
const endLimit = 2 * time.Minute

// DownOptions say which service is stopped.
type DownOptions struct {
	// Service is its name.
	Service string
}

// Down stops all runs of a service that go on, and waits until they have ended.
func Down(ctx context.Context, env *Env, o DownOptions) (*Result, error) {
	name := o.Service
	p, to, err := env.connected(ctx)
	if err != nil {
		return nil, err
	}
	result := p.result("down")
	if _, ok := p.config.Services[name]; !ok {
		return result, p.noService(name)
	}
	left := "service " + name + " may go on; slipway runs --services tells, and slipway down " + name + " stops it"
	runs, err := p.alive(ctx, to, name)
	if err != nil {
		return result, unsure(ctx, err, left)
	}
	for i := range runs {
		status, err := p.end(ctx, to, &runs[i])
		if err != nil {
			return result, unsure(ctx, fmt.Errorf("stop run %s of service %s: %w", runs[i].UUID, name, err), left)
		}
		p.event(report.Done, "down", name, fmt.Sprintf("run %s is %s", runs[i].UUID, status))
		one := reportRun(&runs[i])
		one.Status = string(status)
		result.Jobs = append(result.Jobs, report.Job{Name: name, Run: one})
	}
	if len(result.Jobs) == 0 {
		p.event(report.Note, "", "", "service "+name+" was not running")
	}
	return result, nil
}

// end stops a run and waits until it has ended.
func (p *project) end(ctx context.Context, to *platform, r *polyaxon.Run) (polyaxon.Status, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, endLimit, fmt.Errorf("it is still stopping after %s", endLimit))
	defer cancel()
	if err := run.Stop(ctx, to.polyaxon, p.target(to, r)); err != nil {
		return "", err
	}
	for wait := 25 * time.Millisecond; ; wait = min(wait*2, time.Second) {
		status, _, err := to.polyaxon.Statuses(ctx, p.config.Project, r.UUID)
		switch {
		case err == nil && status.Terminal():
			return status, nil
		case err != nil && ctx.Err() == nil && !polyaxon.Temporary(err):
			return "", err
		}
		if p.pause(ctx, wait) != nil {
			return "", context.Cause(ctx)
		}
	}
}

// address gives where a service answers; "" when only the cluster reaches that.
func (p *project) address(ctx context.Context, to *platform, r *polyaxon.Run) (string, error) {
	if to.gateway != nil {
		return "", nil
	}
	address, err := p.gatewayAddress(ctx, to, r)
	return opened(address, r), err
}

// gatewayAddress gives where a service answers, for who reaches the gateway.
func (p *project) gatewayAddress(ctx context.Context, to *platform, r *polyaxon.Run) (string, error) {
	if to.embedded {
		if address, err := to.sandbox.ServiceAddress(ctx, r.UUID); err == nil {
			return address, nil
		}
	}
	return to.polyaxon.ServiceURL(ctx, r, to.namespace)
}

// opened gives the page of a service at address that people open first.
func opened(address string, r *polyaxon.Run) string {
	at, err := url.Parse(address)
	if err != nil || r.Service().Page == "" {
		return address
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/" + strings.TrimPrefix(r.Service().Page, "/")
	return at.String()
}

// noService is the error for a name that no service has.
func (p *project) noService(name string) error {
	if p.config.Jobs[name] != nil {
		return usagef("%s is a job, not a service (slipway deploy %s runs it, slipway stop %s stops its newest run)", name, name, name)
	}
	return unknown("service", name, sorted(p.config.Services))
}
