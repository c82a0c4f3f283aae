package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/storage"
)

// Options say what to copy.
type Options struct {
	From, To Place
	// Delete deletes what To has and From has not.
	Delete bool
	// Exclude are patterns of .dockerignore. What matches is neither copied nor deleted.
	Exclude []string
	// DryRun only says what would be done.
	DryRun bool
	Client *storage.Client
	// CacheDir keeps the checksums of files, and where uploads are. It may be deleted.
	CacheDir string
	// Skipped is told of what From has that is no file.
	Skipped func(name, why string)
	// Progress is told how far the copy is. It is called by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a copy is.
type Progress struct {
	Bytes, BytesTotal int64
	Files, FilesTotal int
}

// Change is one file that is copied or deleted.
type Change struct {
	Name   string
	Bytes  int64
	Delete bool
}

// Summary is what a sync did, or would do.
type Summary struct {
	// Changes are what was done or, in a dry run, what would be. They are in the order of names, deletions
	// last.
	Changes []Change
	// Unchanged is how many files are equal in both places.
	Unchanged int
}

// parallel is how many files are copied at once.
const parallel = 16

// job is a sync that is being done.
type job struct {
	Options
	fromRoot, toRoot *os.Root
	from, to         map[string]*file
	sums             *sums
	// parts are the files of To that are not complete.
	parts []string
	// as is the name that the only file gets, or "" for its own.
	as string

	mu       sync.Mutex
	progress Progress
	// left are the errors of files that do not keep others from being copied.
	left []error
}

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

// Sync makes To have the files of From. What is done can be done again after any error: it goes on where it
// was. Names that To cannot have are a *NameError, before anything is changed.
func Sync(ctx context.Context, o Options) (summary *Summary, err error) {
	j := &job{Options: o}
	out, err := exclude(o.Exclude)
	if err != nil {
		return nil, err
	}
	if err := j.list(ctx, out); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.close()) }()
	if err := j.checkNames(); err != nil {
		return nil, err
	}
	summary, err = j.plan(ctx)
	if err != nil || o.DryRun {
		return summary, err
	}
	if len(j.from) == 0 && len(summary.Changes) > 0 { // most probably a mistake in its name
		return nil, &NameError{o.From.Text, fmt.Sprintf("has no files, and all %d of %s would be deleted: check the address, or delete them by other means", len(summary.Changes), o.To.Text)}
	}
	if err := j.clean(summary.Changes); err != nil {
		return nil, err
	}
	summary.Changes, err = j.do(ctx, summary.Changes)
	return summary, err
}

// list reads what both places have.
func (j *job) list(ctx context.Context, out excluded) (err error) {
	if j.From.Remote() {
		j.from, err = listObjects(ctx, j.Client, j.From, out)
	} else {
		if j.fromRoot, err = os.OpenRoot(j.From.Dir); err != nil {
			return &NameError{j.From.Text, fmt.Sprintf("cannot be read as a directory: %v", errors.Unwrap(err))}
		}
		j.from, _, err = listFiles(ctx, j.fromRoot, out, j.Skipped)
	}
	if err != nil {
		return errors.Join(err, j.close())
	}
	if j.To.Remote() {
		j.to, err = listObjects(ctx, j.Client, j.To, out)
	} else {
		j.toRoot, err = os.OpenRoot(j.To.Dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			j.to, err = map[string]*file{}, nil
			if !j.DryRun {
				if err = os.MkdirAll(j.To.Dir, 0o755); err == nil {
					j.toRoot, err = os.OpenRoot(j.To.Dir)
				}
			}
		case err == nil:
			j.to, j.parts, err = listFiles(ctx, j.toRoot, out, func(string, string) {})
		}
	}
	dir := j.From.Dir
	if j.From.Remote() {
		dir = j.To.Dir
	}
	j.sums = openSums(j.CacheDir, dir)
	if err != nil {
		return errors.Join(err, j.close())
	}
	return nil
}

// target returns the name of a file in To.
func (j *job) target(name string) string { return cmp.Or(j.as, name) }

// close closes the directories, and saves the checksums.
func (j *job) close() error {
	var errs []error
	for _, root := range []*os.Root{j.fromRoot, j.toRoot} {
		if root != nil {
			errs = append(errs, root.Close())
		}
	}
	if j.sums != nil {
		j.sums.save()
	}
	return errors.Join(errs...)
}

// checkNames returns a *NameError if the target cannot have a file of the source.
func (j *job) checkNames() error {
	names := sorted(j.from)
	if j.To.Remote() {
		for _, name := range names {
			if problem := objectProblem(j.To.below() + name); problem != "" {
				return &NameError{name, problem + "; leave it out with --exclude"}
			}
		}
		return nil
	}
	if err := checkFiles(names, false); err != nil || j.toRoot == nil || checkFiles(names, true) == nil {
		return err
	}
	folds, err := foldsNames(j.toRoot)
	if err == nil && folds {
		err = checkFiles(names, true)
	}
	return err
}

// plan compares both places. It reads only files whose checksum decides and is not known.
func (j *job) plan(ctx context.Context) (*Summary, error) {
	names := sorted(j.from)
	same := make([]bool, len(names))
	group, hashing := panics.WithContext(ctx)
	group.SetLimit(4)
	for n, name := range names {
		from, to := j.from[name], j.to[name]
		if to == nil || from.size != to.size {
			continue
		}
		group.Go(func() error {
			equal, err := j.equal(hashing, name, from, to)
			same[n] = equal
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	s := &Summary{}
	for n, name := range names {
		if same[n] {
			s.Unchanged++
			continue
		}
		s.Changes = append(s.Changes, Change{Name: name, Bytes: j.from[name].size})
	}
	if j.Delete {
		for _, name := range sorted(j.to) {
			if j.from[name] == nil {
				s.Changes = append(s.Changes, Change{Name: name, Bytes: j.to[name].size, Delete: true})
			}
		}
	}
	return s, nil
}

// equal reports whether two files have the same content, by their checksums.
func (j *job) equal(ctx context.Context, name string, from, to *file) (bool, error) {
	var both [2]uint32
	for n, f := range []*file{from, to} {
		root := j.fromRoot
		if n == 1 {
			root = j.toRoot
		}
		if f.object != nil {
			sum, known := f.object.CRC32C()
			if !known {
				return false, nil
			}
			both[n] = sum
			continue
		}
		sum, err := j.sums.of(ctx, root, name, f.info)
		if errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*ChangedError)) {
			return false, nil // the copy reports it
		}
		if err != nil {
			return false, err
		}
		both[n] = sum
	}
	return both[0] == both[1], nil
}

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
		group.SetLimit(parallel)
		for n := part[0]; n < part[1]; n++ {
			group.Go(func() error {
				if working.Err() != nil {
					return working.Err()
				}
				err := j.change(working, changes[n])
				finished[n] = err == nil
				return j.keepGoing(err)
			})
		}
		if err := group.Wait(); err != nil {
			return done(), err
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

// change does one change.
func (j *job) change(ctx context.Context, c Change) error {
	if c.Delete {
		return j.remove(ctx, c.Name)
	}
	err := j.copy(ctx, c.Name)
	if err == nil {
		j.advance(0, 1)
	}
	return err
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
