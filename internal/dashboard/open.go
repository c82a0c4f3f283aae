package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/relay"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// opener opens pages on a platform.
type opener struct {
	*platform.Platform
	// starting is held while the sandbox is looked for and started again.
	starting sync.Mutex
}

// open opens what a word names. port is 0 for any free one.
func (o *opener) open(ctx context.Context, t target, port int) (*Dashboard, error) {
	switch t.kind {
	case polyaxonKind:
		return o.polyaxon(ctx, t, port)
	case mlflowKind:
		if address := addressIn(o.Platform, t); address != "" {
			return &Dashboard{Dashboard: report.Dashboard{Address: address}, Pages: true}, nil
		}
		found, err := o.Cluster.MLflow(ctx, o.MLflowService())
		if err != nil {
			return nil, usage(err)
		}
		return o.forward(ctx, t.word, found, port)
	case kubernetesKind:
		found, err := o.Cluster.Service(ctx, t.name, t.port)
		if err != nil {
			return nil, usage(err)
		}
		return o.forward(ctx, t.word, found, port)
	}
	return o.service(ctx, t.name, port)
}

// usage returns an *exit.UsageError if err says that something was not found.
func usage(err error) error {
	if errors.As(err, new(*cluster.NoServiceError)) || errors.As(err, new(*cluster.AmbiguousServiceError)) || errors.As(err, new(*cluster.NoPortError)) {
		return exit.Usagef("%v", err)
	}
	return err
}

// polyaxon opens the Polyaxon of the platform. One whose address slipway.yaml has is reached
// there.
func (o *opener) polyaxon(ctx context.Context, t target, port int) (*Dashboard, error) {
	if host := addressIn(o.Platform, t); host != "" {
		return &Dashboard{Dashboard: report.Dashboard{Address: host, Command: setHost(host)}, Pages: true}, nil
	}
	if o.Embedded {
		return o.sandbox(ctx, port)
	}
	gateway, err := o.Cluster.Polyaxon(ctx)
	if none := new(cluster.NoPolyaxonError); errors.As(err, &none) {
		return nil, project.WithPosition(o.Config.At("cluster"), err)
	}
	if err != nil {
		return nil, err
	}
	d, err := o.forward(ctx, polyaxonWord, gateway.Service, port)
	if err != nil {
		return nil, err
	}
	d.Command = setHost(d.Address)
	return d, nil
}

// setHost returns the command line by which Polyaxon's own command line uses a host. An address
// that a shell would not take as it is stands in quotes.
func setHost(host string) string {
	if !plainAddress.MatchString(host) {
		host = "'" + strings.ReplaceAll(host, "'", `'\''`) + "'"
	}
	return "polyaxon config set --host=" + host
}

var plainAddress = lazyregexp.New(`^[A-Za-z0-9._~:/@%+=,\[\]-]*$`)

// loopback reports whether an address is of this machine's loopback.
func loopback(address string) bool {
	at, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(at.Hostname())
	return at.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// forward forwards a port of this machine to a Service.
func (o *opener) forward(ctx context.Context, word string, to *cluster.Service, port int) (*Dashboard, error) {
	route, err := to.OpenRoute(ctx)
	if err != nil {
		return nil, err
	}
	d := &Dashboard{Pages: true}
	d.Forwarded, d.Service, d.Pod = true, to.Name(), route.Pod()
	ctx, end := panics.WithCancelOnPanic(ctx)
	var following panics.WaitGroup
	following.Go(func() {
		var fault error
		defer panics.Keep(ctx, &fault, "the connection to "+word)
		route.Follow(ctx, func(up bool, text string) {
			switch {
			case up:
				o.Note(word + ": " + text)
			case o.sandboxEnded(ctx):
				o.Event(report.Warning, "dashboard", word, word+": the sandbox has ended, and its services with it: start the service with slipway up, and run this again")
			default:
				o.Event(report.Warning, "dashboard", word, word+": "+text)
			}
		})
	})
	opened, err := relay.Open(ctx, relay.Options{Port: port, Both: true, Dial: route.Dial, Check: gate.CheckPage, Failed: o.warnings(word)})
	if err != nil {
		end(nil)
		following.Wait()
		return nil, portError(err)
	}
	d.Address = fmt.Sprintf("%s://localhost:%d", to.Scheme(), opened.Port())
	d.close = func() {
		end(nil)
		opened.Close()
		following.Wait()
	}
	return d, nil
}

// warnings returns a function that reports the errors of connections, each text once in a
// row, because a browser tries again and again.
func (o *opener) warnings(word string) func(error) {
	var mu sync.Mutex
	last := ""
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if text := err.Error(); text != last {
			last = text
			o.Event(report.Warning, "dashboard", word, word+": "+text)
		}
	}
}

// sandbox forwards a port to the sandbox's Polyaxon. If the sandbox has ended, the next
// connection starts it again. The sandbox is looked for at each connection, because another program
// may have the port of one that has ended.
func (o *opener) sandbox(ctx context.Context, port int) (*Dashboard, error) {
	dial := func(ctx context.Context) (net.Conn, error) {
		running, err := sandbox.Running(ctx, o.StateDir())
		if err != nil {
			running, err = o.restart(ctx)
		}
		if err != nil {
			return nil, err
		}
		return relay.DialURL(ctx, running.Polyaxon)
	}
	opened, err := relay.Open(ctx, relay.Options{Port: port, Both: true, Dial: dial, Check: gate.CheckPage, Failed: o.warnings(polyaxonWord)})
	if err != nil {
		return nil, portError(err)
	}
	d := &Dashboard{close: opened.Close, Note: "this is the sandbox's Polyaxon: it has the API, and no pages for a browser; its token is in " +
		project.DisplayPath(o.StateDir()) + "/endpoint.json, for POLYAXON_AUTH_TOKEN"}
	d.Forwarded, d.Address = true, fmt.Sprintf("http://localhost:%d", opened.Port())
	d.Command = setHost(d.Address)
	return d, nil
}

// sandboxEnded reports whether the services are those of a sandbox that has ended. Another one has
// other services, another address and another token.
func (o *opener) sandboxEnded(ctx context.Context) bool {
	if !o.Embedded || o.Sandbox == nil {
		return false
	}
	running, err := sandbox.Running(ctx, o.StateDir())
	return ctx.Err() == nil && (err != nil || running.PID != o.Sandbox.PID)
}

// restart starts a sandbox that has ended. Of several connections, the first one does so.
func (o *opener) restart(ctx context.Context) (*sandbox.Sandbox, error) {
	o.starting.Lock()
	defer o.starting.Unlock()
	running, err := sandbox.Running(ctx, o.StateDir())
	if err == nil || ctx.Err() != nil {
		return running, err
	}
	if running, err = o.StartSandbox(ctx); err == nil {
		o.Note(polyaxonWord + ": the sandbox had ended, and was started again; its token is another one now")
	}
	return running, err
}

// service opens a service of slipway.yaml that is running, as up does.
func (o *opener) service(ctx context.Context, name string, port int) (*Dashboard, error) {
	s := &service.Service{Platform: o.Platform, Job: o.Config.Services[name]}
	alive, err := s.Alive(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for the run of service %s: %w", name, err)
	}
	if len(alive) == 0 {
		return nil, exit.Usagef("service %s is not running: slipway up %s starts it", name, name)
	}
	running := slices.IndexFunc(alive, func(r polyaxon.Run) bool { return r.Status == polyaxon.Running })
	if running < 0 {
		return nil, fmt.Errorf("service %s is not running yet (run %s is %s): slipway up %s waits for it", name, alive[0].UUID, alive[0].Status, name)
	}
	r, err := o.Polyaxon.Run(ctx, o.Config.Project, alive[running].UUID) // a list has no operations
	if err != nil {
		return nil, fmt.Errorf("get the run of service %s: %w", name, err)
	}
	d := &Dashboard{Pages: true}
	if !o.Embedded && o.Rest == nil {
		address, err := runs.GatewayAddress(ctx, o.Platform, r)
		d.Address = runs.FirstPage(address, r)
		return d, err
	}
	reached, err := s.Forward(ctx, r, port)
	if err != nil {
		return nil, err
	}
	d.Forwarded, d.Address, d.close = true, reached.Address, reached.Close
	return d, nil
}
