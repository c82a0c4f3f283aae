package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

const (
	// downloadLimit is how many files are downloaded at once.
	downloadLimit = 4
	// downloadTries is how often a file is asked for that does not come whole, and
	// downloadPause the time between.
	downloadTries = 4
	downloadPause = time.Second
)

// ArtifactsOptions say which files of a run are wanted.
type ArtifactsOptions struct {
	// Run is as in RunOptions.
	Run string
	// LastSucceeded takes, of a job's runs, the newest that succeeded.
	LastSucceeded bool
	// Dir, when it is not empty, is where the files are downloaded to.
	Dir string
}

// Artifacts lists a run's files, or downloads them into o.Dir when it is not
// empty. Files that are there from an earlier download of the same run, once it
// has ended, are not downloaded again; others of their names are replaced, and all
// else is left alone. A file is never seen half: it gets its name when it is whole.
func Artifacts(ctx context.Context, env *Env, o ArtifactsOptions) (*Result, error) {
	return env.withRead(ctx, "artifacts", o.Run, chosen{o.LastSucceeded}, func(p *project, to *platform, r *polyaxon.Run, result *report.Result) (err error) {
		directory := ""
		if o.Dir != "" {
			directory = p.within(o.Dir)
		}
		result.Artifacts, err = p.artifacts(ctx, to, r, directory)
		if err == nil && directory != "" {
			p.event(report.Done, "download", r.UUID, saved(result.Artifacts, directory))
		}
		return err
	})
}

func (p *project) artifacts(ctx context.Context, to *platform, r *polyaxon.Run, directory string) ([]report.Artifact, error) {
	files, err := run.Artifacts(ctx, to.polyaxon, p.target(to, r))
	if err != nil {
		return nil, fmt.Errorf("list the artifacts of run %s: %w", r.UUID, err)
	}
	listed := make([]report.Artifact, len(files))
	for n, f := range files {
		listed[n] = report.Artifact{Path: f.Path, Bytes: f.Size}
	}
	if len(files) == 0 {
		p.event(report.Note, "", "", "no artifacts: run "+r.UUID+" has left no files")
	}
	if directory == "" {
		return listed, nil
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	// Names come from the server: they are opened inside a root that they cannot leave.
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d := &download{project: p, to: to, run: r, root: root, files: len(files)}
	for _, f := range files {
		d.total += f.Size
	}
	d.tell(0)
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(downloadLimit)
	for n, f := range files {
		group.Go(func() error {
			if err := d.file(ctx, f); err != nil {
				return fmt.Errorf("download %s of run %s: %w", f.Path, r.UUID, err)
			}
			listed[n].SavedAs = filepath.Join(directory, filepath.FromSlash(f.Path))
			d.saved.Add(1)
			return nil
		})
	}
	return listed, group.Wait()
}

// bring downloads the files of a run that has ended to where o says: into a directory
// of its own below that when there are several runs. What it gives is where.
func (p *project) bring(ctx context.Context, to *platform, job string, o jobOptions, ended *report.Run) error {
	if o.Download == "" || ended.UUID == "" || !polyaxon.Status(ended.Status).Terminal() {
		return nil
	}
	if !o.several {
		_, job, _ = strings.Cut(job, "/") // that of a matrix has a number after it
	}
	directory := filepath.Join(p.within(o.Download), filepath.FromSlash(job))
	r, err := to.polyaxon.Run(ctx, p.config.Project, ended.UUID)
	if err != nil {
		return interruptedOr(ctx, fmt.Errorf("ask for run %s: %w", ended.UUID, err))
	}
	files, err := p.artifacts(ctx, to, r, directory)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	ended.OutputsAt = shown(filepath.Join(directory, "outputs"))
	p.event(report.Done, "download", ended.UUID, saved(files, directory))
	return nil
}

// saved says what was downloaded.
func saved(files []report.Artifact, directory string) string {
	total := int64(0)
	for _, f := range files {
		total += f.Bytes
	}
	return fmt.Sprintf("%s, %s, in %s", printer.Count(len(files), "file"), printer.Bytes(total), shown(directory))
}

// within gives a directory of the command line, which starts at the working one.
func (e *Env) within(directory string) string {
	if filepath.IsAbs(directory) {
		return directory
	}
	return filepath.Join(e.Dir, directory)
}

// download brings files of one run into a directory.
type download struct {
	*project
	to   *platform
	run  *polyaxon.Run
	root *os.Root
	// files and total are how much there is, saved and bytes how much of it is here.
	files        int
	total        int64
	saved, bytes atomic.Int64
}

// tell tells how far the download is, after n more bytes.
func (d *download) tell(n int64) {
	d.event(report.Progress, "download", d.run.UUID, fmt.Sprintf("%d of %d files, %s", d.saved.Load(), d.files, printer.Part(d.bytes.Add(n), d.total)))
}

// Write takes what is written to a file.
func (d *download) Write(b []byte) (int, error) {
	d.tell(int64(len(b)))
	return len(b), nil
}

// file saves one file, unless it is there. What was saved of a run that has ended
// carries the time of its end, by which it is known again.
func (d *download) file(ctx context.Context, f run.File) error {
	local, ended := filepath.FromSlash(f.Path), d.run.FinishedAt
	if !d.run.Status.Terminal() {
		ended = time.Time{}
	}
	if there, err := d.root.Stat(local); err == nil && !ended.IsZero() && there.Mode().IsRegular() && there.Size() == f.Size && there.ModTime().Equal(ended) {
		return nil
	}
	if err := d.root.MkdirAll(filepath.Dir(local), 0o755); err != nil {
		return err
	}
	partial := filepath.Join(filepath.Dir(local), "."+path.Base(f.Path)+".part")
	for n := 1; ; n++ {
		err := d.copy(ctx, f, partial)
		if err == nil {
			break
		}
		if answered := new(polyaxon.Error); n == downloadTries || ctx.Err() != nil || errors.As(err, &answered) {
			return errors.Join(err, ignoreMissing(d.root.Remove(partial)))
		}
		if err := d.pause(ctx, downloadPause); err != nil {
			return err
		}
	}
	if !ended.IsZero() {
		if err := d.root.Chtimes(partial, ended, ended); err != nil {
			return err
		}
	}
	return d.root.Rename(partial, local)
}

// copy writes one file to a local path. That of a run that has ended is as long as
// the server's list says.
func (d *download) copy(ctx context.Context, f run.File, local string) error {
	body, err := d.to.polyaxon.Artifact(ctx, polyaxon.Artifact{Namespace: d.to.namespace, Project: d.config.Project, UUID: d.run.UUID, Path: f.Path})
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := d.root.Create(local)
	if err != nil {
		return err
	}
	written, err := io.Copy(file, io.TeeReader(body, d))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if written != f.Size && d.run.Status.Terminal() {
		return fmt.Errorf("%d bytes came, and the server lists %d", written, f.Size)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
