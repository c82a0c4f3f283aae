// Package dashboard gives the pages of a platform addresses on this machine: Polyaxon's,
// MLflow's, and those of services.
package dashboard

import (
	"context"
	"errors"
	"slices"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/relay"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Dashboard is an opened page.
type Dashboard struct {
	report.Dashboard
	// Note is what the user should know about it, or "".
	Note string
	// Pages reports whether a browser finds pages at the address.
	Pages bool

	close func()
}

// Close ends the forwarding of its port, if there is one, and waits for the end.
func (d *Dashboard) Close() {
	if d.close != nil {
		d.close()
	}
}

// Open opens what words name, in this order. The first one gets port, and the others get
// free ports. The ports are forwarded until ctx is canceled; then Close must be called. An
// error closes all.
func Open(ctx context.Context, to *platform.Platform, words []string, port int) (all []*Dashboard, err error) {
	named, err := targets(to.Project, words)
	if err != nil {
		return nil, err
	}
	if err := checkPort(ctx, to, named, port); err != nil {
		return nil, err
	}
	if err := connect(ctx, to, named); err != nil {
		return nil, err
	}
	o := &opener{Platform: to}
	for _, t := range named {
		d, err := o.open(ctx, t, port)
		if err != nil {
			for _, opened := range all {
				opened.Close()
			}
			return nil, err
		}
		d.Name = t.word
		all = append(all, d)
		if d.Forwarded {
			port = 0
		}
	}
	return all, nil
}

// checkPort returns an *exit.UsageError if a port is not valid, or if one is needed and not
// free. So that is known before anything is connected.
func checkPort(ctx context.Context, to *platform.Platform, named []target, port int) error {
	if err := relay.CheckPort(port); err != nil {
		return exit.Usagef("%v", err)
	}
	if !slices.ContainsFunc(named, func(t target) bool { return !hasAddress(to, t) }) {
		return nil
	}
	if err := relay.Check(ctx, port, true); err != nil {
		return portError(err)
	}
	return nil
}

// hasAddress reports whether slipway.yaml has the address of what a word names.
func hasAddress(to *platform.Platform, t target) bool { return addressIn(to, t) != "" }

// addressIn returns the address that slipway.yaml has of what a word names: that of Polyaxon or
// MLflow. It returns "" for an address inside the cluster. One of this machine's loopback is
// where a forwarded port is expected, if there is a cluster.
func addressIn(to *platform.Platform, t target) string {
	address := ""
	switch {
	case t.kind == polyaxonKind && to.Config.Polyaxon != nil:
		address = to.Config.Polyaxon.Host
	case t.kind == mlflowKind && to.MLflowService() == "":
		address = to.Config.MLflow.Address()
	}
	if to.Config.Cluster != nil && loopback(address) {
		return ""
	}
	return address
}

// portError returns an *exit.UsageError that says what to do, if a port cannot be listened
// on.
func portError(err error) error {
	if taken := new(relay.PortError); errors.As(err, &taken) {
		return exit.Usagef("%v: choose another one with --port, or end the program that uses it", err)
	}
	return err
}

// connect connects to the parts of the platform that are needed.
func connect(ctx context.Context, to *platform.Platform, named []target) error {
	var uses platform.Uses
	for _, t := range named {
		switch {
		case hasAddress(to, t):
		case t.kind == serviceKind:
			uses.Runs = true
		case to.Config.Cluster != nil || to.Embedded:
			uses.Secrets = true // Services are in the namespace of the secrets
		case t.kind != polyaxonKind:
			return exit.Usagef("%s is a Service of the cluster: configure cluster in slipway.yaml", t.word)
		}
	}
	return to.Extend(ctx, uses)
}
