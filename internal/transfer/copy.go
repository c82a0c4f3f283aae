package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/slipway-ci/slipway/internal/contextio"
	"github.com/slipway-ci/slipway/internal/storage"
)

// copy copies one file.
func (j *job) copy(ctx context.Context, name string) error {
	from, to := j.from[name], j.to[name]
	switch {
	case j.From.Remote() && j.To.Remote():
		return j.rewrite(ctx, name, from, to)
	case j.From.Remote():
		return refusedAt(j.From, j.download(ctx, name, from.object, to))
	case j.To.Remote():
		return refusedAt(j.To, j.upload(ctx, name, from.info, to))
	}
	return j.copyFile(ctx, name, from.info, to)
}

// rewrite copies an object within Cloud Storage. One request reads and writes, so an error of it does not say which
// of both is refused: whether the source can still be read does.
func (j *job) rewrite(ctx context.Context, name string, from, to *file) error {
	_, err := j.Client.Copy(ctx, from.object, j.To.Bucket, j.To.below()+j.target(name), to.generation())
	if err == nil {
		j.advance(from.size, 0)
		return nil
	}
	if errors.As(err, new(*storage.ConflictError)) || !errors.As(err, new(*storage.Error)) {
		return err
	}
	now, statErr := j.Client.Stat(ctx, from.object.Bucket, from.object.Name)
	switch {
	case storage.Is(statErr, http.StatusNotFound), statErr == nil && now.Generation != from.object.Generation:
		return &ChangedError{name}
	case errors.As(statErr, new(*storage.Error)):
		return refusedAt(j.From, statErr)
	}
	return refusedAt(j.To, err)
}

// copyFile copies a file of this machine to another directory of it.
func (j *job) copyFile(ctx context.Context, name string, info fs.FileInfo, to *file) error {
	from, err := openListed(j.fromRoot, name)
	if err != nil {
		return err
	}
	defer from.Close()
	content, part, err := j.begin(name)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := content.Truncate(0); err != nil {
		return err
	}
	w := &counted{file: content, crc: storage.NewCRC32C(), add: func(n int64) { j.advance(n, 0) }}
	if _, err := io.CopyBuffer(w, contextio.NewReader(ctx, from), make([]byte, 128<<10)); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	now, err := from.Stat()
	if err != nil {
		return err
	}
	if stampOf(now) != stampOf(info) {
		return errors.Join(&ChangedError{name}, j.toRoot.Remove(part))
	}
	return j.place(j.target(name), part, content, properties{info.Mode().Perm() | 0o600, info.ModTime(), w.crc.Sum32()}, to)
}

// begin opens the file that has the content of another until it is complete.
func (j *job) begin(name string) (content *os.File, part string, err error) {
	part = j.part(name)
	if err := j.toRoot.MkdirAll(path.Dir(part), 0o755); err != nil {
		return nil, "", err
	}
	content, err = OpenPart(j.toRoot, part, 0o600)
	if err == nil && content == nil {
		err = &storage.ConflictError{Object: name, Err: errors.New("another sync writes it")}
	}
	return content, part, err
}

// upload copies a file of this machine. It reads the file twice: for the checksum, by which Cloud Storage
// refuses a content that has changed meanwhile, and to send it.
func (j *job) upload(ctx context.Context, name string, info fs.FileInfo, to *file) error {
	crc, err := j.fromSums.of(ctx, j.fromRoot, name, info)
	if err != nil {
		return err
	}
	content, err := openListed(j.fromRoot, name)
	if err != nil {
		return err
	}
	defer content.Close()
	u := storage.Upload{
		Bucket: j.To.Bucket, Name: j.To.below() + j.target(name), Content: content, Size: info.Size(), CRC32C: crc,
		Metadata: metadataOf(info), Generation: to.generation(), Sent: func(n int64) { j.advance(n, 0) }, Had: j.goOn,
	}
	_, err = j.send(ctx, u)
	if err != nil {
		if now, statErr := content.Stat(); statErr == nil && stampOf(now) != stampOf(info) {
			return &ChangedError{name}
		}
		return fmt.Errorf("upload %s: %w", name, err)
	}
	return nil
}

// download copies an object to a file. The content is in a file of another name until it is complete, and
// the next sync goes on with that file.
func (j *job) download(ctx context.Context, name string, o *storage.Object, to *file) error {
	content, part, err := j.begin(name)
	if err != nil {
		return err
	}
	defer content.Close()
	crc := storage.NewCRC32C()
	there, err := io.Copy(crc, io.LimitReader(content, o.Size))
	if err != nil {
		return err
	}
	j.goOn(there)
	w := &counted{file: content, crc: crc, add: func(n int64) { j.advance(n, 0) }}
	if err := j.Client.Download(ctx, o, there, w); err != nil {
		return fmt.Errorf("download %s: %w", o.Address(), err)
	}
	if err := content.Truncate(o.Size); err != nil {
		return err
	}
	if want, known := o.CRC32C(); known && want != crc.Sum32() {
		return errors.Join(&storage.ChecksumError{Object: o.Address()}, j.toRoot.Remove(part))
	}
	return j.place(j.target(name), part, content, propertiesOf(o, crc.Sum32()), to)
}

// counted writes at the end of a file, and computes its checksum. All has to pass Write, so it has no other method.
type counted struct {
	file *os.File
	crc  hash.Hash32
	add  func(int64)
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.file.Write(p)
	_, _ = c.crc.Write(p[:n])
	c.add(int64(n))
	return n, err
}

// place gives a complete file its name, if what is there is still what was compared.
func (j *job) place(name, part string, content *os.File, has properties, to *file) error {
	if err := content.Chmod(has.mode); err != nil {
		return err
	}
	if !has.modified.IsZero() {
		if err := j.toRoot.Chtimes(part, time.Now(), has.modified); err != nil {
			return err
		}
	}
	if err := j.unchanged(name, to); err != nil {
		return errors.Join(err, j.toRoot.Remove(part))
	}
	if err := j.rename(part, name, to); err != nil {
		return err
	}
	info, err := j.toRoot.Stat(name)
	if err == nil {
		known := stampOf(info)
		known.CRC32C = has.crc32c
		j.toSums.placed(name, known)
	}
	return err
}

// rename gives a file its name. One that another program has just created is left, where the file system
// has links.
func (j *job) rename(part, name string, to *file) error {
	if to == nil {
		err := j.toRoot.Link(part, name)
		if err == nil {
			return j.toRoot.Remove(part)
		}
		if errors.Is(err, fs.ErrExist) {
			return errors.Join(&storage.ConflictError{Object: name, Err: err}, j.toRoot.Remove(part))
		}
	}
	return j.toRoot.Rename(part, name)
}

// unchanged returns a *storage.ConflictError if a file of the target was written since it was listed.
func (j *job) unchanged(name string, was *file) error {
	now, err := j.toRoot.Stat(name)
	if was == nil && errors.Is(err, fs.ErrNotExist) || was != nil && err == nil && stampOf(now) == stampOf(was.info) {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &storage.ConflictError{Object: name, Err: fs.ErrExist}
}

// remove deletes a file of the target, if it is still what was listed.
func (j *job) remove(ctx context.Context, name string) error {
	to := j.to[name]
	if to.object != nil {
		return refusedAt(j.To, j.Client.Delete(ctx, to.object))
	}
	if err := j.unchanged(name, to); err != nil {
		return err
	}
	return j.toRoot.Remove(name)
}
