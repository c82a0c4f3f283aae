package tasks

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// UpOptions are the options of Up.
type UpOptions struct {
	// Service is the name of the service.
	Service string `arg:"SERVICE" complete:"service"`
	// Params are params for the service, each NAME=VALUE.
	Params []string `flag:"param" short:"P" value:"NAME=VALUE" mage:"params" help:"give an input a value, as NAME=VALUE; it wins over slipway.yaml"`
	// Keep leaves runs of the service with other inputs running. Without it, they are stopped.
	Keep bool `flag:"keep" help:"leave runs of the service with other inputs as they are"`
	// Port is a port on this machine's loopback that is forwarded to the service until ctx is
	// cancelled. Zero means no forwarding.
	Port int `flag:"port" help:"forward this local port to the service until interrupted"`
	// Wait is how long the service may take until it answers. Zero means DefaultWait.
	Wait time.Duration `flag:"wait" default:"10m" help:"give up when the service does not answer within this time"`
}

// DefaultWait is how long a service may take by default until it answers.
const DefaultWait = 10 * time.Minute

// Up starts a service, or finds its active run with the same inputs. It stops runs of the
// service with other inputs, waits until the service answers, and reports its address. The
// service keeps running after Up returns. Down stops it. If ctx is cancelled while the
// service starts, Up stops it. If ctx is cancelled while a port is forwarded, Up only ends
// the forwarding.
func Up(ctx context.Context, env *Env, o UpOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("up")
	defer p.Events.Close() // the end of a forwarded connection may still be reported
	j, err := serviceOf(p, o.Service)
	if err != nil {
		return result, err
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.Wait < 0 {
		return result, exit.Usagef("--wait %s is not valid: it must be above 0, such as 10m", o.Wait)
	}
	d, err := deploy.ReadWithoutUpstream(ctx, p, j, o.Params, false)
	if err != nil {
		return result, err
	}
	d.Runs = pipeline.Options{Detach: true}
	if err := d.Connect(ctx); err != nil {
		return result, err
	}
	s := &service.Service{Platform: d.Platform, Job: j}
	if err := s.CheckPort(o.Port); err != nil && p.NoSecrets == "" {
		return result, err
	}
	if err := d.Apply(ctx, result); err != nil || result.LeftOut != nil {
		return result, err
	}
	return result, reach(ctx, s, &d.Results[0], o, result)
}

// reach waits until a submitted service answers. If a port is forwarded, it then waits until
// the forwarding ends.
func reach(ctx context.Context, s *service.Service, started *pipeline.JobResult, o UpOptions, result *Result) error {
	target := run.Target{Namespace: s.RunNamespace, Project: s.Config.Project, UUID: started.UUID(), Kind: "service"}
	reported := &result.Jobs[0]
	abandon := func(err error) error {
		err = (&pipeline.Pipeline{Platform: s.Platform}).Abandon(ctx, s.Job, target, started, err)
		reported.Status = string(started.Status)
		return err
	}
	if !o.Keep {
		if err := s.Replace(ctx, started.UUID()); ctx.Err() != nil && err != nil {
			return abandon(err)
		} else if err != nil {
			return err
		}
	}
	at, err := s.Reach(ctx, target, o.Wait, o.Port)
	if err != nil {
		if ctx.Err() != nil {
			return abandon(err)
		}
		if now, asked := s.Polyaxon.Run(ctx, s.Config.Project, target.UUID); asked == nil {
			reported.Status = string(now.Status)
		}
		for n := range result.Served {
			result.Served[n].Action = report.ActionFailed
		}
		return err
	}
	defer at.Close()
	reported.Status, reported.Address = string(polyaxon.Running), at.Address
	s.Report(report.Event{Kind: report.Done, Step: "up", Subject: o.Service, Run: target.UUID, Status: reported.Status, Message: at.Address})
	if at.Address == "" {
		s.Note("it can only be reached from within the cluster: slipway up " + o.Service + " --port 8888 forwards port 8888 of this machine to it")
	}
	if !at.Forwards() {
		return nil
	}
	s.Note("the port is forwarded to the service until this command is interrupted; the service keeps running, and slipway down " + o.Service + " stops it")
	return at.Wait()
}
