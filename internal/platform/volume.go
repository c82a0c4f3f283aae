package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/internal/volume"
	"github.com/slipway-ci/slipway/tasks/report"
)

// NoVolume returns the error for a place in a volume that slipway.yaml gives no access to, or nil. at are the keys of
// slipway.yaml that name the place, if any do.
func NoVolume(p *project.Project, place transfer.Place, at ...string) error {
	if !place.InVolume || p.Config.Sandboxed() || p.Config.Cluster != nil {
		return nil
	}
	return &source.Error{Position: p.Config.At(at...), Message: place.Text + ": slipway.yaml names no cluster, so its volume cannot be reached",
		Hint: "name the cluster of the volume's claim by cluster, or copy to a bucket"}
}

// Volume copies files to and from the persistent volume: the sandbox's directory, or the volume of a cluster through a
// pod, which it starts when it is needed.
type Volume struct {
	*Platform
	// ReadOnly is for comparisons. A claim that is not there or not bound to a volume is empty then.
	ReadOnly bool

	pod *volume.Pod
}

// Close deletes the pod, if there is one.
func (v *Volume) Close(ctx context.Context) {
	if v.pod == nil {
		return
	}
	if err := v.pod.Close(ctx); err != nil {
		v.Note(err.Error() + "; it ends by itself after six hours")
	}
	v.pod = nil
}

// Sync is transfer.Sync, with places in the volume. If the pod is lost meanwhile, another one goes on, once. at are the
// keys of slipway.yaml that name the place in the volume, if any do.
func (v *Volume) Sync(ctx context.Context, o transfer.Options, at ...string) (*transfer.Summary, error) {
	summary, err := v.sync(ctx, o, at)
	lost := new(volume.LostError)
	if !errors.As(err, &lost) || ctx.Err() != nil {
		return summary, err
	}
	v.Note(lost.Error() + "; another pod goes on")
	v.Close(ctx)
	rest, err := v.sync(ctx, o, at)
	if summary != nil && rest != nil {
		copied, _, _ := summary.Totals()
		rest.Unchanged -= copied
		rest.Changes = append(summary.Changes, rest.Changes...)
	}
	return cmp.Or(rest, summary), err
}

func (v *Volume) sync(ctx context.Context, o transfer.Options, at []string) (*transfer.Summary, error) {
	for _, place := range []*transfer.Place{&o.From, &o.To} {
		if place.InVolume {
			if err := v.open(ctx, place, at); err != nil {
				return nil, err
			}
		}
	}
	return transfer.Sync(ctx, o)
}

// open says where a place in the volume is.
func (v *Volume) open(ctx context.Context, place *transfer.Place, at []string) (err error) {
	if v.Embedded {
		if v.Sandbox == nil {
			joined, err := v.StartSandbox(ctx)
			if err != nil {
				return err
			}
			v.Sandbox = joined
		}
		place.Volume, err = v.Sandbox.MakeVolume()
		return err
	}
	if err := NoVolume(v.Project, *place, at...); err != nil {
		return err
	}
	if place.Volume = volume.Mount; v.pod == nil {
		claim, empty, err := v.claim(ctx, at)
		if err != nil {
			return err
		}
		if empty {
			place.Shell = emptyVolume{claim}
			return nil
		}
		if err := v.start(ctx, claim); err != nil {
			return err
		}
	}
	place.Shell = v.pod
	return nil
}

// start starts the pod.
func (v *Volume) start(ctx context.Context, claim string) (err error) {
	o := volume.Options{
		Claim: claim, Project: v.Config.Project, ReadOnly: v.ReadOnly, Pause: v.Pause,
		Waits: func(why string) { v.Event(report.Advance, "volume", claim, "the pod does not run yet: "+why) },
	}
	if v.Config.Volume != nil {
		o.Image = v.Config.Volume.Image
	}
	v.Event(report.Start, "volume", claim, "starting a pod that mounts it")
	v.pod, err = volume.Open(ctx, v.Cluster, o)
	return err
}

// claim returns the claim of the volume. It is empty if a comparison need not look at it.
func (v *Volume) claim(ctx context.Context, at []string) (name string, empty bool, err error) {
	if err := v.Extend(ctx, Uses{Volume: true}); err != nil {
		return "", false, err
	}
	if name, at, err = v.claimName(ctx, at); err != nil {
		return "", false, err
	}
	asking, cancel := context.WithTimeout(ctx, OptionalTimeout)
	defer cancel()
	there, err := v.Cluster.Claim(asking, name)
	fail := func(why string) (string, bool, error) {
		return "", false, source.Errorf(v.Config.At(at...), "volume claim %s %s", name, why)
	}
	switch creates := v.Config.Volume != nil && v.Config.Volume.Create != nil; {
	case err != nil: // the pod will say what is wrong with it
		return name, false, ctx.Err()
	case there == nil && creates && v.ReadOnly:
		return name, true, nil
	case there == nil:
		return fail(fmt.Sprintf("not found in namespace %s of cluster %s", v.Cluster.Namespace, v.Cluster.Name))
	case cluster.Unusable(there) != "":
		return fail(cluster.Unusable(there))
	}
	return name, v.ReadOnly && there.Status.Phase == corev1.ClaimPending, nil
}

// claimName returns the name of the claim, and the keys of slipway.yaml that name it: volume.claim, or the connection of
// Polyaxon that jobs mount.
func (v *Volume) claimName(ctx context.Context, at []string) (string, []string, error) {
	connection := fill.VolumeConnection
	if named := v.Config.Volume; named != nil {
		if named.Claim != "" {
			return named.Claim, []string{"volume", "claim"}, nil
		}
		connection, at = named.Connection, []string{"volume", "connection"}
	}
	asking, cancel := context.WithTimeout(ctx, OptionalTimeout)
	defer cancel()
	maps, err := v.Cluster.ConfigMaps(asking)
	if err == nil {
		all, _, unread := cluster.AgentConnections(maps)
		if n := slices.IndexFunc(all, func(c cluster.Connection) bool { return c.Name == connection && c.Claim != "" }); n >= 0 {
			return all[n].Claim, at, nil
		}
		err = unread
	}
	if ctx.Err() != nil {
		return "", nil, ctx.Err()
	}
	e := source.Errorf(v.Config.At(at...), "the connection %s of Polyaxon names no volume claim that slipway can find", connection)
	e.Hint, e.Err = "name the claim by volume.claim", err
	return "", nil, e
}

// emptyVolume is the Shell of a volume that nothing was written to.
type emptyVolume struct{ claim string }

// Name implements transfer.Shell.
func (e emptyVolume) Name() string { return e.claim }

// Run implements transfer.Shell. No directory is there.
func (emptyVolume) Run(_ context.Context, _ string, _ io.Reader, out io.Writer) error {
	_, err := io.WriteString(out, "absent\n")
	return err
}
