package transfer

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/storage"
)

// maxNear bounds the names that are compared with one that nothing has.
const maxNear = 1000

// Missing returns a *NameError for a place of a bucket that has nothing, not even an object that stands for a
// directory. It says whether the place is one object, or what has a similar name. A bucket that has nothing at all
// is only empty.
func Missing(ctx context.Context, client *storage.Client, p Place) error {
	prefix := strings.TrimRight(p.Prefix, "/")
	if prefix == "" {
		return nil
	}
	_, err := client.Stat(ctx, p.Bucket, prefix)
	switch {
	case err == nil:
		return &NameError{p.Text, "is one object, and no directory of objects: copy it with `slipway data cp`"}
	case !storage.Is(err, 404):
		return Explain(ctx, client, err, p)
	}
	return nothingAt(ctx, client, p, prefix)
}

// nothingAt returns the error for a place that has nothing.
func nothingAt(ctx context.Context, client *storage.Client, p Place, prefix string) error {
	if hint := wildcardHint(p.Prefix); hint != "" {
		return &NameError{p.Text, "has no objects" + hint}
	}
	problem := "has no objects: check the address"
	near, err := nearest(ctx, client, p.Bucket, prefix)
	if err != nil {
		return Explain(ctx, client, err, p)
	}
	if near != "" {
		problem = "has no objects; did you mean gs://" + p.Bucket + "/" + near + "?"
	}
	return &NameError{p.Text, problem}
}

// wildcardHint says what to do in place of a wildcard, or returns "" for a name that has none.
func wildcardHint(name string) string {
	if !strings.ContainsAny(name, "*?[") {
		return ""
	}
	return ": there are no wildcards; name a directory, as in gs://BUCKET/DIR/, and leave files out of a `slipway data sync` with --exclude"
}

// missingObject returns the error for a place that is no object. err is that of Cloud Storage.
func missingObject(ctx context.Context, client *storage.Client, p Place, err error) error {
	hint := wildcardHint(p.Prefix)
	if hint == "" {
		near, listErr := nearest(ctx, client, p.Bucket, p.Prefix)
		switch {
		case storage.Is(listErr, http.StatusNotFound):
			return Explain(ctx, client, listErr, p)
		case near == p.Prefix+"/":
			hint = ", only a directory: `slipway data ls` lists it, and `slipway data sync` copies it"
		case near != "":
			hint = "; did you mean gs://" + p.Bucket + "/" + near + "?"
		}
	}
	return fmt.Errorf("there is no object %s%s: %w", p.Text, hint, err)
}

// nearBucket returns the bucket of the client's project that was probably meant by one that is not there, or "". The
// account may lack the right to list buckets.
func nearBucket(ctx context.Context, client *storage.Client, name string) string {
	all, err := client.Buckets(ctx)
	if err != nil {
		return ""
	}
	near, _ := source.Nearest(name, all)
	return near
}

// nearest returns a name in a bucket that was probably meant by one that nothing has, or "". It corrects the first
// part of the name that is wrong.
func nearest(ctx context.Context, client *storage.Client, bucket, name string) (string, error) {
	for {
		dir, base := path.Split(name)
		var there []string
		for entry, err := range client.List(ctx, bucket, dir, "/") {
			if err != nil {
				return "", err
			}
			found := entry.Prefix
			if entry.Object != nil {
				found = entry.Name
			}
			if there = append(there, strings.TrimPrefix(found, dir)); len(there) == maxNear {
				break
			}
		}
		if len(there) > 0 || dir == "" {
			near, _ := source.Nearest(base+"/", there)
			if near == "" {
				return "", nil
			}
			return dir + near, nil
		}
		name = strings.TrimRight(dir, "/")
	}
}
