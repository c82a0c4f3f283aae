package transfer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/storage"
)

// parallel is how many files are copied at once.
const parallel = 16

// FileErrors reports files that were not copied, while all others were.
type FileErrors struct{ Errs []error }

// Error implements error.
func (e *FileErrors) Error() string {
	if len(e.Errs) == 1 {
		return e.Errs[0].Error()
	}
	return fmt.Sprintf("%d files were not copied, such as: %v", len(e.Errs), e.Errs[0])
}

// Unwrap returns the errors.
func (e *FileErrors) Unwrap() []error { return e.Errs }

// do copies, and then deletes if nothing failed. It returns what is done, also if there is an error.
func (j *job) do(ctx context.Context, changes []Change) ([]Change, error) {
	finished := make([]bool, len(changes))
	done := func() (all []Change) {
		for n, c := range changes {
			if finished[n] {
				all = append(all, c)
			}
		}
		return all
	}
	for _, c := range changes {
		if !c.Delete {
			j.progress.FilesTotal++
			j.progress.BytesTotal += c.Bytes
		}
	}
	deletes := slices.IndexFunc(changes, func(c Change) bool { return c.Delete })
	if deletes < 0 {
		deletes = len(changes)
	}
	for _, part := range [][2]int{{0, deletes}, {deletes, len(changes)}} {
		group, working := panics.WithContext(ctx)
		group.SetLimit(j.parallel())
		for _, batch := range j.batches(changes, part[0], part[1]) {
			group.Go(func() error {
				if working.Err() != nil {
					return working.Err()
				}
				return j.change(working, changes[batch[0]:batch[1]], finished[batch[0]:batch[1]])
			})
		}
		if err := group.Wait(); err != nil {
			return done(), j.explainFull(err, changes, finished)
		}
		if len(j.left) > 0 {
			return done(), &FileErrors{j.left}
		}
	}
	return changes, nil
}

// keepGoing returns err, or notes it if it concerns one file only.
func (j *job) keepGoing(err error) error {
	if err == nil {
		return nil
	}
	if errors.As(err, new(*storage.ConflictError)) || errors.As(err, new(*ChangedError)) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.left = append(j.left, err)
		return nil
	}
	return err
}

// change does changes that belong together, and sets done for those that are done.
func (j *job) change(ctx context.Context, changes []Change, done []bool) error {
	switch {
	case changes[0].Delete && j.To.ByShell():
		return j.removeByShell(ctx, changes, done)
	case changes[0].Delete:
	case j.To.ByShell():
		return j.put(ctx, changes, done)
	case j.From.ByShell():
		return j.fetch(ctx, changes, done)
	}
	for n, c := range changes {
		err := j.changeOne(ctx, c)
		done[n] = err == nil
		if err := j.keepGoing(err); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) changeOne(ctx context.Context, c Change) error {
	if c.Delete {
		return j.remove(ctx, c.Name)
	}
	err := j.copy(ctx, c.Name)
	if err == nil {
		j.advance(0, 1)
	}
	return err
}

// goOn reports that an earlier copy has left a part of a file.
func (j *job) goOn(bytes int64) {
	j.mu.Lock()
	j.progress.Kept += bytes
	j.mu.Unlock()
	j.advance(bytes, 0)
}

// advance reports that more was copied.
func (j *job) advance(bytes int64, files int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.progress.Bytes += bytes
	j.progress.Files += files
	if j.Progress != nil {
		j.Progress(j.progress)
	}
}
