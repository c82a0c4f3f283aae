package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

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
	// Digest asks for the digest of From, which takes reading the files whose checksums are not known.
	Digest bool
	Client *storage.Client
	// CacheDir keeps the checksums of files, and where uploads are. It may be deleted.
	CacheDir string
	// Skipped, if not nil, is told of what From has that is no file.
	Skipped func(name, why string)
	// Progress is told how far the copy is. It is called by one goroutine at a time.
	Progress func(Progress)
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// Progress is how far a copy is.
type Progress struct {
	Bytes, BytesTotal int64
	// Kept are those of Bytes that an earlier copy had left, and that took no time now.
	Kept              int64
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
	// Digest identifies the names and the content of all files of From, if Options ask for it.
	Digest string
}

// Totals returns how many files the changes copy, their bytes together, and how many files they delete.
func (s *Summary) Totals() (copied int, bytes int64, deleted int) {
	for _, c := range s.Changes {
		if c.Delete {
			deleted++
			continue
		}
		copied++
		bytes += c.Bytes
	}
	return copied, bytes, deleted
}

// PlaceError reports that a place cannot be read or written.
type PlaceError struct {
	Place Place
	Err   error
}

// Error implements error.
func (e *PlaceError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PlaceError) Unwrap() error { return e.Err }

// refusedAt says of a refusal by Cloud Storage which place it is about. It returns other errors as they are.
func refusedAt(p Place, err error) error {
	if !errors.As(err, new(*storage.Error)) || errors.As(err, new(*storage.ConflictError)) {
		return err
	}
	return &PlaceError{p, err}
}

// job is a sync that is being done.
type job struct {
	Options
	fromRoot, toRoot *os.Root
	from, to         map[string]*file
	// fromSums and toSums are the checksums of files, nil in a bucket.
	fromSums, toSums *sums
	// parts are the files of To that are not complete.
	parts []string
	// began are the sessions of uploads that readSessions has found.
	began        []string
	readSessions sync.Once
	// as is the name that the only file gets, or "" for its own.
	as string

	mu       sync.Mutex
	progress Progress
	// left are the errors of files that do not keep others from being copied.
	left []error
}

// Sync makes To have the files of From. What is done can be done again after any error: it goes on where it
// was. Names that To cannot have are a *NameError, before anything is changed.
func Sync(ctx context.Context, o Options) (summary *Summary, err error) {
	j := &job{Options: o}
	if o.From.Overlaps(o.To) {
		return nil, &NameError{o.To.Text, "and " + o.From.Text + " are in one another: copy to a place outside of the source"}
	}
	if o.From.ByShell() && o.To.ByShell() {
		return nil, &NameError{o.To.Text, "and " + o.From.Text + " are both in the volume of a cluster: let a job copy there"}
	}
	if j.Skipped == nil {
		j.Skipped = func(string, string) {}
	}
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
	if err != nil {
		return nil, err
	}
	if len(j.from) == 0 && len(summary.Changes) > 0 { // most probably a mistake in its name
		return nil, &NameError{o.From.Text, fmt.Sprintf("has no files, and all %d of %s would be deleted: check the address, or delete them by other means", len(summary.Changes), o.To.Text)}
	}
	if o.DryRun {
		return summary, nil
	}
	if err := j.clean(ctx, summary.Changes); err != nil {
		return nil, err
	}
	summary.Changes, err = j.do(ctx, summary.Changes)
	if err == nil && j.To.ByShell() {
		err = keepSums(ctx, j.To, j.toSums)
	}
	return summary, err
}

// list reads what both places have.
func (j *job) list(ctx context.Context, out excluded) (err error) {
	var fromWas, toWas left
	switch {
	case j.From.Remote():
		var found bool
		if j.from, found, err = listObjects(ctx, j.Client, j.From, out, j.Skipped); err == nil && !found {
			err = Missing(ctx, j.Client, j.From)
		}
	case j.From.ByShell():
		j.from, fromWas, err = listShell(ctx, j.From, out, j.Skipped)
		if errors.Is(err, fs.ErrNotExist) {
			err = &NameError{j.From.Text, "is not there"}
		}
	default:
		if j.fromRoot, err = j.From.open(false); err != nil {
			return &PlaceError{j.From, &NameError{j.From.Text, fmt.Sprintf("cannot be read as a directory: %v", cause(err))}}
		}
		j.from, _, err = listFiles(ctx, j.fromRoot, out, j.Skipped)
	}
	if err != nil {
		return &PlaceError{j.From, errors.Join(err, j.close())}
	}
	switch {
	case j.To.Remote():
		j.to, _, err = listObjects(ctx, j.Client, j.To, out, func(string, string) {})
	case j.To.ByShell():
		j.to, toWas, err = listShell(ctx, j.To, out, func(string, string) {})
		if errors.Is(err, fs.ErrNotExist) {
			j.to, err = map[string]*file{}, nil
		}
	default:
		j.toRoot, err = j.To.open(!j.DryRun)
		switch {
		case j.DryRun && errors.Is(err, fs.ErrNotExist):
			j.to, err = map[string]*file{}, nil
		case err == nil:
			j.to, j.parts, err = listFiles(ctx, j.toRoot, out, func(string, string) {})
		}
	}
	j.openSums(j.CacheDir)
	j.fromSums.believe(fromWas, j.from)
	j.toSums.believe(toWas, j.to)
	if err != nil {
		return &PlaceError{j.To, errors.Join(err, j.close())}
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
	for _, sums := range []*sums{j.fromSums, j.toSums} {
		if sums != nil {
			sums.save()
		}
	}
	return errors.Join(errs...)
}

// openSums opens the checksums of the directories.
func (j *job) openSums(cache string) {
	now := j.Now
	if now == nil {
		now = time.Now
	}
	if !j.From.Remote() {
		j.fromSums = openSums(cache, j.From.key(), now)
	}
	if !j.To.Remote() {
		j.toSums = openSums(cache, j.To.key(), now)
	}
}
