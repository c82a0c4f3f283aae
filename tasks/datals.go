package tasks

import (
	"context"

	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DataLsOptions are the options of DataLs.
type DataLsOptions struct {
	// At is the address of a bucket, of a directory of it, or of an object. If it is empty, the buckets are listed.
	At string `arg:"[ADDRESS]"`
	// Recursive lists all objects below the address.
	Recursive bool `flag:"recursive" short:"r" help:"list all objects below the address"`
}

// DataLs lists objects, or the buckets of the project.
func DataLs(ctx context.Context, env *Env, o DataLsOptions) (*Result, error) {
	var addresses []string
	if o.At != "" {
		addresses = append(addresses, o.At)
	}
	isAddress := func(at []transfer.Place) error {
		if len(at) > 0 && !at[0].Remote() {
			return exit.Usagef("%q is not an address: give one such as gs://BUCKET/DIR", o.At)
		}
		return nil
	}
	return withBuckets(ctx, env, "data ls", addresses, isAddress, func(at []transfer.Place, p *project.Project, client *storage.Client, result *Result) error {
		if len(at) == 0 {
			names, err := client.Buckets(ctx)
			for _, name := range names {
				result.Objects = append(result.Objects, report.Object{Address: "gs://" + name})
			}
			if err == nil && len(names) == 0 {
				p.Event(report.Done, "data", "buckets", "there are none: create one with `slipway data mb gs://NAME`")
			}
			return err
		}
		for entry, err := range transfer.List(ctx, client, at[0], o.Recursive) {
			if err != nil {
				return err
			}
			one := report.Object{Address: "gs://" + at[0].Bucket + "/" + entry.Prefix}
			if entry.Object != nil {
				one = report.Object{Address: entry.Address(), Bytes: entry.Size, CRC32C: entry.Checksum, Updated: &entry.Updated}
			}
			result.Objects = append(result.Objects, one)
		}
		if len(result.Objects) > 0 {
			return nil
		}
		p.Event(report.Done, "data", o.At, "has no objects")
		return nil
	})
}
