package debian

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/slipway-ci/slipway/internal/panics"
)

const (
	// aheadChunk and aheadChunks limit how much of the files of a package is unpacked before it is
	// written, in bytes and in number: 32 MiB.
	aheadChunk  = 256 << 10
	aheadChunks = 128
)

// reading is a package that is being read and unpacked.
type reading struct {
	// control has the package when its control files have been read.
	control chan *unpacked
	// chunks are the parts of the archive of its files. err is set before they are closed.
	chunks chan []byte
	err    error
	now    []byte
}

// readAll reads packages, some at once, because unpacking xz takes most of the time of a layer. It
// returns immediately, and wait returns when nothing is read any more.
func (l *Layer) readAll(ctx context.Context, packages []*Package) (all []*reading, wait func() error) {
	for range packages {
		all = append(all, &reading{control: make(chan *unpacked, 1), chunks: make(chan []byte, aheadChunks), err: io.ErrUnexpectedEOF})
	}
	var starts panics.Group
	starts.Go(func() error {
		group, ctx := panics.WithContext(ctx)
		group.SetLimit(runtime.GOMAXPROCS(0))
		for n, p := range packages { // in order, so that the one that is written next is among them
			group.Go(func() error { return l.read(ctx, p, all[n]) })
		}
		return group.Wait()
	})
	return all, starts.Wait
}

// read reads one package.
func (l *Layer) read(ctx context.Context, p *Package, to *reading) error {
	defer close(to.chunks)
	defer close(to.control)
	to.err = l.readOne(ctx, p, to)
	return to.err
}

func (l *Layer) readOne(ctx context.Context, p *Package, to *reading) error {
	file, err := l.Open(ctx, p)
	if err != nil {
		return err
	}
	defer file.Close()
	err = readDeb(file, func(files map[string][]byte) error {
		u, err := readUnpacked(p, files, l.Base.bare)
		if err == nil {
			to.control <- u
		}
		return err
	}, func(plain io.Reader) error {
		for {
			chunk := make([]byte, aheadChunk)
			n, err := fill(plain, chunk)
			if n > 0 {
				select {
				case to.chunks <- chunk[:n]:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err == nil {
		_, err = io.Copy(io.Discard, file) // to its end, where its hash is verified
	}
	return err
}

// fill reads until b is full or reading fails. Unlike io.ReadFull, it returns the error as it is.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var more int
		more, err = r.Read(b[n:])
		n += more
	}
	return n, err
}

// Read implements io.Reader: it reads the chunks.
func (r *reading) Read(b []byte) (int, error) {
	for len(r.now) == 0 {
		chunk, ok := <-r.chunks
		if !ok && r.err != nil {
			return 0, r.err
		} else if !ok {
			return 0, io.EOF
		}
		r.now = chunk
	}
	n := copy(b, r.now)
	r.now = r.now[n:]
	return n, nil
}

// end waits until the package has been read, and returns the error of reading it.
func (r *reading) end() error {
	for range r.chunks { //nolint:revive // what is behind the end of the archive
	}
	return r.err
}
