package transfer

import (
	"context"
	"iter"
	"strings"

	"github.com/slipway-ci/slipway/internal/storage"
)

// List returns what a place of a bucket has: the object of its name, and what is below it. What only begins with the
// same letters is not part of it. Objects in directories are one entry each, unless recursive is set. The error of a
// place that has nothing is a *NameError, but a bucket may be empty.
func List(ctx context.Context, client *storage.Client, p Place, recursive bool) iter.Seq2[storage.Entry, error] {
	delimiter := "/"
	if recursive {
		delimiter = ""
	}
	return func(yield func(storage.Entry, error) bool) {
		found := false
		for entry, err := range client.List(ctx, p.Bucket, p.below(), delimiter) {
			if err != nil {
				yield(storage.Entry{}, Explain(ctx, client, err, p))
				return
			}
			if found = true; !yield(entry, nil) {
				return
			}
		}
		name := strings.TrimRight(p.Prefix, "/")
		if name == "" || found && name != p.Prefix {
			return
		}
		object, err := client.Stat(ctx, p.Bucket, name)
		switch {
		case err == nil && name == p.Prefix:
			yield(storage.Entry{Object: object}, nil)
		case err == nil:
			yield(storage.Entry{}, &NameError{p.Text, "is one object, and no directory of objects"})
		case !storage.Is(err, 404):
			yield(storage.Entry{}, Explain(ctx, client, err, p))
		case !found:
			yield(storage.Entry{}, nothingAt(ctx, client, p, name))
		}
	}
}
