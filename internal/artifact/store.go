// Package artifact copies what runs leave to the bucket of slipway.yaml, and finds it there. The files
// of a run are below PREFIX/PROJECT/JOB/RUN/, with the paths that they have in the run. A manifest.json
// beside them, which is written last, says what they are and where they come from. A run without a
// manifest is not complete.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// Store is the part of the bucket that has the artifacts of a project.
type Store struct {
	*platform.Platform
	client *storage.Client
	at     transfer.Place
}

// Open returns the store of the bucket of slipway.yaml, or nil if it names none. If nothing of a cloud is
// configured, the bucket is the sandbox's, which Open starts.
func Open(ctx context.Context, to *platform.Platform) (*Store, error) {
	if to.Config.Bucket == "" {
		return nil, nil
	}
	at, err := transfer.ParsePlace(to.Config.Bucket, to.ResolvePath)
	if err != nil {
		return nil, err
	}
	client, err := platform.Storage(ctx, to.Project)
	if err != nil {
		return nil, fmt.Errorf("connect to Cloud Storage: %w", err)
	}
	return New(to, client, at), nil
}

// New returns the store of a bucket, or of the part of one that at names.
func New(to *platform.Platform, client *storage.Client, at transfer.Place) *Store {
	if at.Prefix = strings.Trim(at.Prefix, "/"); at.Prefix != "" {
		at.Prefix += "/"
	}
	return &Store{Platform: to, client: client, at: at}
}

// Check returns a *source.Error, at the line of bucket, if the bucket does not exist or may not be read and
// written. The sandbox creates its bucket when the first file is copied, so there is nothing to check.
func (s *Store) Check(ctx context.Context) error {
	if s.SandboxBuckets() {
		return nil
	}
	at := s.Config.At("bucket")
	for _, err := range s.client.List(ctx, s.at.Bucket, s.project(), "/") {
		if err == nil {
			break
		}
		explained := transfer.Explain(ctx, s.client, err, s.at)
		if storage.Is(err, http.StatusNotFound) || storage.Is(err, http.StatusForbidden) {
			return project.WithPosition(at, explained)
		}
		return explained
	}
	const create = "storage.objects.create"
	granted, err := s.client.Permissions(ctx, s.at.Bucket, create)
	if err != nil || len(granted) > 0 {
		return ctx.Err() // where permissions cannot be asked for, the first file shows them
	}
	e := source.Errorf(at, "bucket gs://%s may not be written: the permission %s is missing", s.at.Bucket, create)
	e.Hint = "have the role roles/storage.objectUser granted on it"
	return e
}

// project returns the beginning of the names of the project's objects.
func (s *Store) project() string { return s.at.Prefix + s.Config.Project + "/" }

// run returns the beginning of the names of a run's objects.
func (s *Store) run(job, uuid string) string { return s.project() + job + "/" + uuid + "/" }

// Address returns the address of what a run has left.
func (s *Store) Address(job, uuid string) string {
	return "gs://" + s.at.Bucket + "/" + s.run(job, uuid)
}

// cacheDir returns the directory that keeps where uploads go on.
func (s *Store) cacheDir() string { return state.Dir(s.Config.Dir, "cache", "data") }

// list returns the objects whose names begin with prefix, by the rest of their names. Without a bucket, there
// are none in the sandbox.
func (s *Store) list(ctx context.Context, prefix string) (map[string]*storage.Object, error) {
	all := map[string]*storage.Object{}
	for entry, err := range s.client.List(ctx, s.at.Bucket, prefix, "") {
		if s.SandboxBuckets() && storage.Is(err, http.StatusNotFound) {
			return all, nil
		}
		if err != nil {
			return nil, transfer.Explain(ctx, s.client, err, s.at)
		}
		all[strings.TrimPrefix(entry.Name, prefix)] = entry.Object
	}
	return all, nil
}

// stat returns an object, or nil if it is not there.
func (s *Store) stat(ctx context.Context, name string) (*storage.Object, error) {
	object, err := s.client.Stat(ctx, s.at.Bucket, name)
	if storage.Is(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, transfer.Explain(ctx, s.client, err, s.at)
	}
	return object, nil
}

// create creates the bucket in the sandbox, unless it is there.
func (s *Store) create(ctx context.Context) error {
	err := s.client.CreateBucket(ctx, s.at.Bucket, "")
	if storage.Is(err, http.StatusConflict) {
		return nil
	}
	return err
}

// Missing reports whether err means that a run has not left what its job must leave.
func Missing(err error) bool { return errors.As(err, new(*exit.ArtifactError)) }

// Wanted reports whether a run of the job leaves what is to be copied.
func Wanted(j *config.Job) bool { return len(j.Artifacts) > 0 }
