package runs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// downloadLimit is how many files are downloaded concurrently.
const downloadLimit = 4

// Artifacts returns the files of a run that Polyaxon has. See Left.Artifacts.
func Artifacts(ctx context.Context, to *platform.Platform, r *polyaxon.Run, directory string) ([]report.Artifact, error) {
	return Left{Run: r}.Artifacts(ctx, to, directory)
}

// Artifacts returns the files of a run. If directory is not empty, it also downloads them
// into it, from the bucket where they are there. Files from an earlier download of the same run
// are not downloaded again if the run had ended by then. Other files of the same names are
// replaced, and all other files are kept. A file gets its name when it is complete.
func (l Left) Artifacts(ctx context.Context, to *platform.Platform, directory string) ([]report.Artifact, error) {
	files, err := l.files(ctx, to)
	if err != nil {
		return nil, err
	}
	listed := make([]report.Artifact, len(files))
	for n, f := range files {
		listed[n] = report.Artifact{Path: f.Path, Bytes: f.Size, Address: l.address(f)}
	}
	if len(files) == 0 {
		to.Note("no artifacts: run " + l.UUID() + " has no files in its outputs; what a job writes to a volume is not among them")
	}
	if directory == "" {
		return listed, nil
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	// The server chooses the names, so files are only opened inside of a root.
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d := &download{Platform: to, Left: l, root: root, files: len(files)}
	for _, f := range files {
		d.total += f.Size
	}
	d.reportProgress(0)
	group, ctx := panics.WithContext(ctx)
	group.SetLimit(downloadLimit)
	for n, f := range files {
		group.Go(func() error {
			if err := d.save(ctx, f); err != nil {
				return fmt.Errorf("download %s of run %s: %w", f.Path, l.UUID(), err)
			}
			listed[n].SavedAs = filepath.Join(directory, filepath.FromSlash(f.Path))
			d.saved.Add(1)
			return nil
		})
	}
	return listed, group.Wait()
}

// DownloadEvent returns the event that reports what was downloaded of a run: the number of
// files, their size and the directory.
func DownloadEvent(uuid string, files []report.Artifact, directory string) report.Event {
	total := int64(0)
	for _, f := range files {
		total += f.Bytes
	}
	return report.Event{
		Kind: report.Done, Step: "download", Subject: uuid, Run: uuid,
		Amount:  &report.Amount{Bytes: total, BytesTotal: total, Parts: len(files), PartsTotal: len(files), Unit: "file"},
		Message: fmt.Sprintf("%s, %s, in %s", printer.Count(len(files), "file"), printer.Bytes(total), project.DisplayPath(directory)),
	}
}

// download downloads the files of one run into a directory.
type download struct {
	*platform.Platform
	Left
	root *os.Root
	// files and total are the number of files and their size in bytes. saved and bytes
	// are how much of that has been downloaded.
	files        int
	total        int64
	saved, bytes atomic.Int64
}

// reportProgress reports the progress of the download, after n more bytes.
func (d *download) reportProgress(n int64) {
	d.Report(report.Event{Kind: report.Progress, Step: "download", Subject: d.UUID(), Run: d.UUID(), Amount: &report.Amount{
		Bytes: d.bytes.Add(n), BytesTotal: d.total, Parts: int(d.saved.Load()), PartsTotal: d.files, Unit: "file",
	}})
}

// try is one try to download a file. It is an io.Writer that counts what arrives.
type try struct {
	*download
	n int64
}

// Write implements io.Writer.
func (t *try) Write(b []byte) (int, error) {
	t.n += int64(len(b))
	t.reportProgress(int64(len(b)))
	return len(b), nil
}

// save downloads one file, unless it exists already. The files of a run that has ended
// get the time of its end as their modification time, by which save recognizes them
// later.
func (d *download) save(ctx context.Context, f leftFile) error {
	if problem := transfer.GitProblem(f.Path); problem != "" {
		return errors.New("it " + problem)
	}
	local, ended := filepath.FromSlash(f.Path), d.ended()
	if there, err := d.root.Stat(local); err == nil && !ended.IsZero() && there.Mode().IsRegular() && there.Size() == f.Size && there.ModTime().Equal(ended) {
		d.reportProgress(f.Size)
		return nil
	}
	if err := d.root.MkdirAll(filepath.Dir(local), 0o755); err != nil {
		return err
	}
	file, part, err := d.begin(local)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := run.Download(ctx, d.Pause, func() error {
		t := &try{download: d}
		err := t.copy(ctx, f, file)
		if err != nil {
			d.reportProgress(-t.n) // the next try begins again
		}
		return err
	}); err != nil {
		return errors.Join(err, ignoreMissing(d.root.Remove(part)))
	}
	if !ended.IsZero() {
		if err := d.root.Chtimes(part, ended, ended); err != nil {
			return err
		}
	}
	return errors.Join(d.root.Rename(part, local), file.Close())
}

// begin opens the file that has the content of another until it is complete: one that a killed download has left, or a
// new one. Another download into the same directory may be writing the first that it finds.
func (d *download) begin(local string) (file *os.File, part string, err error) {
	id := sha256.Sum256([]byte(local))
	for n := 0; file == nil && err == nil; n++ {
		part = filepath.Join(filepath.Dir(local), fmt.Sprintf(".slipway-%x-%d.part", id[:8], n))
		file, err = transfer.OpenPart(d.root, part, 0o666)
	}
	return file, part, err
}

// copy downloads one file. If the run has ended, it is an error if the size differs from the one that the server lists.
func (t *try) copy(ctx context.Context, f leftFile, to *os.File) error {
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := to.Truncate(0); err != nil {
		return err
	}
	if f.kept != nil {
		return t.Store.Download(ctx, t.Manifest, *f.kept, io.MultiWriter(to, t))
	}
	body, err := t.Polyaxon.Artifact(ctx, polyaxon.Artifact{Namespace: t.RunNamespace, Project: t.Config.Project, UUID: t.UUID(), Path: f.Path})
	if err != nil {
		return err
	}
	defer body.Close()
	content := io.Reader(body)
	if t.Run.Status.Terminal() {
		content = run.Sized(body, f.Size)
	}
	written, err := io.Copy(to, io.TeeReader(content, t))
	if err != nil {
		return err
	}
	if written != f.Size && t.Run.Status.Terminal() {
		return fmt.Errorf("size mismatch: received %d bytes, but the server lists %d", written, f.Size)
	}
	return nil
}

// ignoreMissing returns nil if err reports that a file does not exist, and err otherwise.
func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
