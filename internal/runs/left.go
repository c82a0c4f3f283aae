package runs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Left is where the files of a run are: with Polyaxon, in the bucket, or in both.
type Left struct {
	// Run is nil if Polyaxon does not have the run any more.
	Run *polyaxon.Run
	// Manifest is nil if nothing of the run is in the bucket, and Store has its files otherwise.
	Manifest *artifact.Manifest
	Store    *artifact.Store
}

// FindLeft finds the run that name stands for, as FindForReading does, and what the bucket has of it. A run that
// Polyaxon does not have any more is looked for in the bucket. If latest is set, name is that of a job, and the
// run its newest that succeeded and met what the job required.
func FindLeft(ctx context.Context, to *platform.Platform, name string, latest, lastSucceeded bool) (Left, error) {
	l := Left{}
	var err error
	if latest {
		l.Run, err = LastPassed(ctx, to, name)
	} else {
		l.Run, err = FindForReading(ctx, to, name, lastSucceeded)
	}
	if err != nil && !errors.As(err, new(*exit.UsageError)) {
		return l, err
	}
	if kept := l.find(ctx, to, name, latest); kept != nil && (l.Run != nil || ctx.Err() != nil) {
		to.Event(report.Warning, "bucket", name, fmt.Sprintf("the bucket cannot be asked, so only what Polyaxon has is shown: %v", kept))
	} else if kept != nil {
		return l, kept
	}
	switch {
	case l.Run != nil || l.Manifest != nil:
		return l, ctx.Err()
	case err != nil:
		return l, err
	}
	if unknown := unknownJob(to, name); unknown != nil {
		return l, unknown
	}
	return l, exit.Usagef("no run of job %s has succeeded and met what the job requires (slipway runs lists runs)", name)
}

// find finds what the bucket has.
func (l *Left) find(ctx context.Context, to *platform.Platform, name string, latest bool) (err error) {
	if l.Store, err = artifact.Open(ctx, to); err != nil || l.Store == nil {
		return err
	}
	switch {
	case l.Run != nil:
		if l.Manifest, err = l.Store.Manifest(ctx, l.Run.Name, l.Run.UUID); err == nil && l.Manifest == nil && to.Config.Jobs[l.Run.Name] == nil {
			l.Manifest, err = l.Store.Find(ctx, l.Run.UUID) // a run of a matrix has a name of its own
		}
	case latest:
		l.Manifest, err = l.Store.Latest(ctx, name)
	default:
		if id := strings.ToLower(strings.ReplaceAll(name, "-", "")); uuidPattern.MatchString(id) || idPrefix.MatchString(id) {
			l.Manifest, err = l.Store.Find(ctx, id)
		}
	}
	return err
}

// UUID returns the UUID of the run.
func (l Left) UUID() string {
	if l.Run != nil {
		return l.Run.UUID
	}
	return l.Manifest.Run
}

// ended returns when the run ended, or a zero time if it has not, or if that is unknown.
func (l Left) ended() time.Time {
	switch {
	case l.Run != nil && l.Run.Status.Terminal():
		return l.Run.FinishedAt
	case l.Run == nil && l.Manifest.Finished != nil:
		return *l.Manifest.Finished
	}
	return time.Time{}
}

// leftFile is a file of a run. kept is nil if the bucket does not have it.
type leftFile struct {
	run.File
	kept *artifact.File
}

// files returns the files of the run, sorted by path.
func (l Left) files(ctx context.Context, to *platform.Platform) (all []leftFile, err error) {
	kept := map[string]bool{}
	if l.Manifest != nil {
		for n := range l.Manifest.Files {
			f := &l.Manifest.Files[n]
			kept[f.Path] = true
			all = append(all, leftFile{run.File{Path: f.Path, Size: f.Bytes}, f})
		}
	}
	if l.Run != nil {
		files, err := run.Artifacts(ctx, to.Polyaxon, to.RunTarget(l.Run))
		if err != nil {
			return nil, fmt.Errorf("list the artifacts of run %s: %w", l.Run.UUID, err)
		}
		for _, f := range files {
			if !kept[f.Path] {
				all = append(all, leftFile{File: f})
			}
		}
	}
	slices.SortFunc(all, func(a, b leftFile) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// address returns the address of a file in the bucket, or "".
func (l Left) address(f leftFile) string {
	if f.kept == nil {
		return ""
	}
	return l.Store.Address(l.Manifest.Job, l.Manifest.Run) + f.Path
}
