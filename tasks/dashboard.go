package tasks

import (
	"cmp"
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/browser"
	"github.com/slipway-ci/slipway/internal/dashboard"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DashboardOptions are the options of Dashboard.
type DashboardOptions struct {
	// Names are what to open: polyaxon, mlflow, the names of services of slipway.yaml, and
	// svc/NAME or svc/NAME:PORT for Services of Kubernetes. Nil means polyaxon.
	Names []string `arg:"[NAME...]" complete:"service" oneof:"polyaxon,mlflow"`
	// Port is the port of this machine for the first one. The others get free ports. Zero
	// means DefaultDashboardPort.
	Port int `flag:"port" default:"8117" help:"forward this local port to the first one; the others get free ports"`
	// Open opens them in the browser, if there is one.
	Open bool `flag:"open" help:"open them in the browser"`
}

// DefaultDashboardPort is the port of this machine that is forwarded by default: the one
// that Polyaxon's own command line forwards.
const DefaultDashboardPort = 8117

// Dashboard forwards ports of this machine to pages of the platform, and reports their
// addresses, until ctx is cancelled. It returns at once if none of them needs a port.
func Dashboard(ctx context.Context, env *Env, o DashboardOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("dashboard")
	defer p.Events.Close() // the end of a connection may still be reported
	ctx, end := panics.WithCancelOnPanic(ctx)
	defer end(nil)
	to := platform.New(p)
	opened, err := dashboard.Open(ctx, to, o.Names, cmp.Or(o.Port, DefaultDashboardPort))
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	forwards := 0
	for _, d := range opened {
		defer d.Close()
		result.Dashboards = append(result.Dashboards, d.Dashboard)
		p.Report(report.Event{Kind: report.Done, Step: "dashboard", Subject: d.Name, Message: dashboardLine(d)})
		if d.Forwarded {
			forwards++
		}
	}
	for _, d := range opened {
		if d.Note != "" {
			p.Note(d.Note)
		}
		if d.Command != "" {
			p.Note("for Polyaxon's own command line: " + d.Command)
		}
	}
	if o.Open {
		openBrowser(ctx, p.Note, opened)
	}
	if forwards == 0 {
		return result, nil
	}
	p.Note("ports are forwarded until this command is interrupted; users of this machine can reach them, other machines and web pages cannot")
	<-ctx.Done()
	return result, panics.Cause(ctx)
}

// dashboardLine returns the address of a dashboard and where it leads.
func dashboardLine(d *dashboard.Dashboard) string {
	if d.Service == "" {
		return d.Address
	}
	return fmt.Sprintf("%s (service %s, pod %s)", d.Address, d.Service, d.Pod)
}

// openBrowser opens the pages in the browser. It notes those that cannot be opened.
func openBrowser(ctx context.Context, note func(string), opened []*dashboard.Dashboard) {
	for _, d := range opened {
		switch {
		case !d.Pages:
			note("a browser finds no pages at " + d.Address + ", so it is not opened")
		default:
			if err := browser.Open(ctx, d.Address); err != nil {
				note(fmt.Sprintf("no browser could be opened (%v): open %s yourself", err, d.Address))
			}
		}
	}
}
