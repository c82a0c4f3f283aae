package transfer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/storage"
)

// errShifted reports that the content of a file did not have the size that was expected, so that what follows it
// cannot be read.
var errShifted = errors.New("a file changed while it was read")

// taker reads the content of a file. It returns what is called afterwards with whether that was the content of the
// file that was listed.
type taker func(name string, content io.Reader) (func(whole bool) error, error)

// get reads files of a place that a Shell reaches, one after the other.
func get(ctx context.Context, p Place, files map[string]*file, names []string, take taker) error {
	for len(names) > 0 {
		read, err := getSome(ctx, p, files, names, take)
		if !errors.Is(err, errShifted) {
			return err
		}
		names = names[read+1:]
	}
	return nil
}

// getSome is get until a file has another size than the one that was listed, which is names[read] then.
func getSome(ctx context.Context, p Place, files map[string]*file, names []string, take taker) (read int, err error) {
	var script strings.Builder
	script.WriteString(p.begin(false) + `g() { cat "./$1"; stat -L -c "$F" "./$1" || echo; }` + "\n")
	for _, name := range names {
		fmt.Fprintf(&script, "g %s\n", quoted(name))
	}
	script.WriteString("exit 0\n")
	reader, writer := io.Pipe()
	var took, ran error
	group, working := panics.WithContext(ctx)
	group.Go(func() error {
		ran = p.Shell.Run(working, "exec sh -s", strings.NewReader(script.String()), writer)
		ended := io.EOF
		if ran != nil {
			ended = errShellEnded
		}
		_ = writer.CloseWithError(ended)
		return ran
	})
	group.Go(func() error {
		read, took = getAll(p, bufio.NewReaderSize(reader, 128<<10), files, names, take)
		_ = reader.CloseWithError(io.ErrClosedPipe)
		return took
	})
	err = group.Wait()
	switch {
	case took != nil && !errors.Is(took, errShellEnded):
		return read, took
	case ran != nil:
		return read, fmt.Errorf("%s: %w", p.Text, ran)
	}
	return read, err
}

// getAll reads the output of a script that sends files.
func getAll(p Place, from *bufio.Reader, files map[string]*file, names []string, take taker) (read int, err error) {
	first, err := readLine(from)
	if err != nil {
		return 0, fmt.Errorf("read the files of %s: %w", p.Text, err)
	}
	if _, err := p.enter(first); err != nil {
		return 0, err
	}
	for ; read < len(names) && err == nil; read++ {
		if err = getOne(from, files[names[read]], names[read], take); err != nil {
			return read, err
		}
	}
	return read, nil
}

// getOne reads one file. The error is errShifted if it has another size than the one that was listed.
func getOne(from *bufio.Reader, f *file, name string, take taker) error {
	info := f.info.(*shellInfo) //nolint:errcheck,forcetypeassert // files of a shell
	content := io.LimitReader(from, info.Size())
	taken, err := take(name, content)
	if err != nil {
		return err
	}
	if _, err = io.Copy(io.Discard, content); err != nil { // of a file that is not wanted any more
		return errors.Join(err, taken(false))
	}
	now, err := readLine(from)
	grown := errors.Is(err, bufio.ErrBufferFull)
	if err != nil && !grown && !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("read %s: %w", name, err), taken(false))
	}
	if now = strings.TrimSuffix(now, "\n"); now == info.text {
		return taken(true)
	}
	if err := taken(false); err != nil {
		return err
	}
	if !grown && sameSize(now, info) {
		return nil
	}
	return errShifted
}

// readLine reads a line that fits in the buffer. The error of another is bufio.ErrBufferFull, so that a file that
// grows without a line break does not fill the memory.
func readLine(from *bufio.Reader) (string, error) {
	line, err := from.ReadSlice('\n')
	return string(line), err
}

// sameSize reports whether what stat printed is of a file that had the size of another.
func sameSize(text string, as *shellInfo) bool {
	now, err := readStat(text, as.name)
	return err == nil && now.sum.Size == as.sum.Size
}

// hashShell computes the checksums of the files whose sizes are equal in both places and whose checksums are not known,
// in the place that a Shell reaches. It reads them through the Shell.
func (j *job) hashShell(ctx context.Context, p Place, files map[string]*file, s *sums) error {
	var names []string
	for _, name := range sorted(j.from) {
		from, to := j.from[name], j.to[name]
		if to == nil || from.size != to.size {
			continue
		}
		known := s.before[name]
		now := stampOf(files[name].info)
		if now.CRC32C = known.CRC32C; known != now {
			names = append(names, name)
		}
	}
	return get(ctx, p, files, names, func(name string, content io.Reader) (func(bool) error, error) {
		crc := storage.NewCRC32C()
		_, err := io.Copy(crc, content)
		return func(whole bool) error {
			if whole { // the copy reports others
				s.learn(name, withSum(files[name].info, crc.Sum32()))
			}
			return nil
		}, err
	})
}

// withSum returns the stamp of a file with its checksum.
func withSum(info fs.FileInfo, crc32c uint32) sum {
	of := stampOf(info)
	of.CRC32C = crc32c
	return of
}

// fetch copies files from a place that a Shell reaches. It sets done for those that were copied.
func (j *job) fetch(ctx context.Context, changes []Change, done []bool) error {
	names, numbers := make([]string, len(changes)), map[string]int{}
	for n, c := range changes {
		names[n], numbers[c.Name] = c.Name, n
	}
	copied := func(name string, err error) error {
		if err == nil {
			done[numbers[name]] = true
			j.advance(0, 1)
		}
		return j.keepGoing(err)
	}
	take := j.fetchFile
	if j.To.Remote() {
		take = j.fetchObject
	}
	return get(ctx, j.From, j.from, names, func(name string, content io.Reader) (func(bool) error, error) {
		taken, err := take(ctx, name, content)
		if err != nil {
			return func(bool) error { return nil }, copied(name, err)
		}
		return func(whole bool) error { return copied(name, taken(whole)) }, nil
	})
}

// fetchFile reads the content of a file into one of this machine.
func (j *job) fetchFile(_ context.Context, name string, content io.Reader) (func(bool) error, error) {
	to, part, err := j.begin(name)
	if err != nil {
		return nil, err
	}
	if err := to.Truncate(0); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	w := &counted{file: to, crc: storage.NewCRC32C(), add: func(n int64) { j.advance(n, 0) }}
	if _, err := io.Copy(w, content); err != nil {
		return nil, errors.Join(fmt.Errorf("copy %s: %w", name, err), to.Close())
	}
	return func(whole bool) error {
		if !whole {
			return errors.Join(&ChangedError{name}, to.Close(), j.toRoot.Remove(part))
		}
		info := j.from[name].info
		j.fromSums.learn(name, withSum(info, w.crc.Sum32()))
		err := j.place(j.target(name), part, to, properties{info.Mode().Perm() | 0o600, info.ModTime(), w.crc.Sum32()}, j.to[name])
		return errors.Join(err, to.Close())
	}, nil
}

// fetchObject reads the content of a file into a temporary one, from which it is uploaded.
func (j *job) fetchObject(ctx context.Context, name string, content io.Reader) (func(bool) error, error) {
	spool, err := os.CreateTemp(j.CacheDir, "spool-*")
	if err != nil {
		return nil, err
	}
	drop := func() error { return errors.Join(spool.Close(), os.Remove(spool.Name())) }
	w := &counted{file: spool, crc: storage.NewCRC32C(), add: func(int64) {}}
	if _, err := io.Copy(w, content); err != nil {
		return nil, errors.Join(fmt.Errorf("copy %s: %w", name, err), drop())
	}
	return func(whole bool) error {
		if !whole {
			return errors.Join(&ChangedError{name}, drop())
		}
		info := j.from[name].info
		j.fromSums.learn(name, withSum(info, w.crc.Sum32()))
		_, err := j.send(ctx, storage.Upload{
			Bucket: j.To.Bucket, Name: j.To.below() + j.target(name), Content: spool, Size: info.Size(), CRC32C: w.crc.Sum32(),
			Metadata: metadataOf(info), Generation: j.to[name].generation(), Sent: func(n int64) { j.advance(n, 0) }, Had: j.goOn,
		})
		if err != nil {
			err = fmt.Errorf("upload %s: %w", name, err)
		}
		return errors.Join(err, drop())
	}, nil
}
