package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DataCpOptions are the options of DataCp.
type DataCpOptions struct {
	From string `arg:"SRC"`
	To   string `arg:"DST"`
}

// DataCp copies one file to or from a bucket, or between buckets.
func DataCp(ctx context.Context, env *Env, o DataCpOptions) (*Result, error) {
	for _, address := range []string{o.From, o.To} {
		if transfer.InVolume(address) {
			return nil, exit.Usagef("%q is in the volume: copy its directory with `slipway data sync`", address)
		}
	}
	return transferred(ctx, env, "data cp", o.From, o.To, transfer.Options{}, func(ctx context.Context, _ *platform.Volume, o transfer.Options) (*transfer.Summary, error) {
		return transfer.Copy(ctx, o)
	})
}

// DataSyncOptions are the options of DataSync.
type DataSyncOptions struct {
	From string `arg:"SRC"`
	To   string `arg:"DST"`
	// Delete deletes what only To has.
	Delete bool `flag:"delete" help:"delete what DST has and SRC has not"`
	// Exclude are patterns of files that are neither copied nor deleted.
	Exclude []string `flag:"exclude" help:"leave out what matches a pattern of .dockerignore; may be repeated"`
	// DryRun changes nothing.
	DryRun bool `flag:"dry-run" help:"only list what would be copied and deleted"`
}

// DataSync copies what differs between two places, of which at least one is in a bucket or in the volume.
func DataSync(ctx context.Context, env *Env, o DataSyncOptions) (*Result, error) {
	options := transfer.Options{Delete: o.Delete, Exclude: o.Exclude, DryRun: o.DryRun}
	return transferred(ctx, env, "data sync", o.From, o.To, options, func(ctx context.Context, v *platform.Volume, o transfer.Options) (*transfer.Summary, error) {
		return v.Sync(ctx, o)
	})
}

// transferred copies by a function, and reports what it did.
func transferred(ctx context.Context, env *Env, command, from, dst string, o transfer.Options, do func(context.Context, *platform.Volume, transfer.Options) (*transfer.Summary, error)) (*Result, error) {
	oneIsRemote := func(at []transfer.Place) error {
		if !slices.ContainsFunc(at, func(p transfer.Place) bool { return p.Remote() || p.InVolume }) {
			return exit.Usagef("neither %q nor %q is in a bucket or in the volume: give an address such as gs://BUCKET/DIR or volume:/DIR", from, dst)
		}
		return nil
	}
	return withBuckets(ctx, env, command, []string{from, dst}, oneIsRemote, func(at []transfer.Place, p *project.Project, client *storage.Client, result *Result) error {
		o.From, o.To = at[0], at[1]
		if err := state.Make(p.Config.Dir); err != nil {
			return err
		}
		o.Client, o.CacheDir = client, state.Dir(p.Config.Dir, "cache", "data")
		deploy.Tell(p, &o, dst)
		p.Event(report.Start, "data", dst, "copying from "+from)
		volume := &platform.Volume{Platform: platform.New(p), ReadOnly: o.DryRun || !o.To.InVolume}
		defer volume.Close(ctx)
		summary, err := do(ctx, volume, o)
		if summary != nil {
			result.Transfer = describe(summary, from, dst, o.DryRun)
		}
		if err != nil {
			p.Event(report.Failed, "data", dst, "not complete")
			return transfer.Explain(ctx, client, err, o.To)
		}
		t := result.Transfer
		did := "copied"
		if o.DryRun {
			did = "to copy"
		}
		p.Event(report.Done, "data", dst, fmt.Sprintf("%d %s (%s), %d deleted, %d unchanged", t.Copied, did, printer.Bytes(t.Bytes), t.Deleted, t.Unchanged))
		return nil
	})
}

// describe returns a summary for the Result.
func describe(s *transfer.Summary, from, to string, dry bool) *report.Transfer {
	t := &report.Transfer{From: from, To: to, DryRun: dry, Unchanged: s.Unchanged}
	t.Copied, t.Bytes, t.Deleted = s.Totals()
	for _, c := range s.Changes {
		one := report.TransferFile{Name: c.Name, Action: report.ActionCopy, Bytes: c.Bytes}
		if c.Delete {
			one.Action = report.ActionDelete
		}
		t.Files = append(t.Files, one)
	}
	return t
}

// misuse returns a *UsageError for a name that was given and is not accepted, or that nothing has.
func misuse(err error) error {
	if bad := new(transfer.NameError); errors.As(err, &bad) {
		return exit.Usagef("%v", bad)
	}
	if storage.Is(err, http.StatusNotFound) && !errors.As(err, new(*storage.ConflictError)) {
		return exit.Usagef("%v", err)
	}
	return err
}
