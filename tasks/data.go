package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// DataMbOptions are the options of DataMb.
type DataMbOptions struct {
	// Bucket is the address of the bucket.
	Bucket string `arg:"BUCKET"`
	// Location is where Google keeps the bucket. If it is empty, Google chooses.
	Location string `flag:"location" help:"keep the bucket there, such as europe-west4 or EU"`
	// GoogleProject owns the bucket. If it is empty, it is the project of the credentials.
	GoogleProject string `flag:"google-project" help:"create the bucket in this Google Cloud project (default: that of the credentials)"`
}

// DataMb creates a bucket. One that is there already, and may be read, is no error.
func DataMb(ctx context.Context, env *Env, o DataMbOptions) (*Result, error) {
	isBucket := func(at []transfer.Place) error {
		if !at[0].Remote() || at[0].Prefix != "" {
			return exit.Usagef("%q is not the address of a bucket: give one such as gs://NAME", o.Bucket)
		}
		return nil
	}
	return withBuckets(ctx, env, "data mb", []string{o.Bucket}, isBucket, func(at []transfer.Place, p *project.Project, client *storage.Client, _ *Result) error {
		if o.GoogleProject != "" {
			client.Project = o.GoogleProject
		}
		err := client.CreateBucket(ctx, at[0].Bucket, o.Location)
		if storage.Is(err, 409) {
			err = nil
			for _, listed := range client.List(ctx, at[0].Bucket, "", "/") {
				err = listed
				break
			}
			if storage.Is(err, 403) {
				return fmt.Errorf("gs://%s is there already, and you may not read it: it may be somebody else's, so choose another name: %w", at[0].Bucket, err)
			}
			if err == nil {
				p.Event(report.Done, "data", "gs://"+at[0].Bucket, "is there already")
				return nil
			}
		}
		if err == nil {
			p.Event(report.Done, "data", "gs://"+at[0].Bucket, "created")
		}
		return err
	})
}

// DataCatOptions are the options of DataCat.
type DataCatOptions struct {
	// At is the address of an object.
	At string `arg:"ADDRESS"`
}

// DataCat writes the content of an object to env.Content, and compares its checksum.
func DataCat(ctx context.Context, env *Env, o DataCatOptions) (*Result, error) {
	isObject := func(at []transfer.Place) error {
		if !at[0].Remote() || at[0].Prefix == "" || strings.HasSuffix(at[0].Prefix, "/") {
			return exit.Usagef("%q is not the address of an object: give one such as gs://BUCKET/NAME", o.At)
		}
		return nil
	}
	return withBuckets(ctx, env, "data cat", []string{o.At}, isObject, func(at []transfer.Place, _ *project.Project, client *storage.Client, _ *Result) error {
		err := transfer.Cat(ctx, client, at[0], env.content())
		if errors.Is(err, actions.ErrCommand) {
			err = fmt.Errorf("%s is not shown further: %w (write it to a file with > FILE, or with `slipway data cp`)", o.At, err)
		}
		return err
	})
}

// content returns Content, or else Stdout.
func (e *Env) content() io.Writer {
	if e.Content == nil {
		return e.stdout()
	}
	return e.Content
}

// withBuckets opens the project and connects to Cloud Storage, after all addresses are read and accepted.
func withBuckets(ctx context.Context, env *Env, command string, addresses []string, accepts func([]transfer.Place) error, do func([]transfer.Place, *project.Project, *storage.Client, *Result) error) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result(command)
	var at []transfer.Place
	for _, address := range addresses {
		place, err := transfer.ParsePlace(address, p.ResolvePath)
		if err != nil {
			return result, exit.Usagef("%v", err)
		}
		at = append(at, place)
	}
	if err := accepts(at); err != nil {
		return result, err
	}
	if len(at) > 0 && !slices.ContainsFunc(at, transfer.Place.Remote) { // only the volume
		return result, exit.IfInterrupted(ctx, misuse(do(at, p, nil, result)))
	}
	client, err := platform.Storage(ctx, p)
	if err != nil {
		return result, exit.IfInterrupted(ctx, fmt.Errorf("connect to Cloud Storage: %w", err))
	}
	return result, exit.IfInterrupted(ctx, misuse(do(at, p, client, result)))
}
