package container

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// drainTimeout is how long output may keep coming after a container's end. Only a program
// that is not isolated and left its process group still holds the pipe then.
const drainTimeout = time.Second

// pipeSize is the most that a pipe holds by default, on any system.
const pipeSize = 64 << 10

// output copies a container's output to its writers.
type output struct {
	stdout, stderr *os.File // the container's ends
	pipes          []pipe

	copies panics.WaitGroup
	mu     sync.Mutex
	err    error
}

type pipe struct {
	from *os.File
	to   io.Writer
}

func newOutput(stdout, stderr io.Writer) (*output, error) {
	o := &output{}
	var err error
	if o.stdout, err = o.pipe(stdout); err != nil {
		return nil, err
	}
	if same(stdout, stderr) {
		o.stderr = o.stdout // one pipe keeps the order of what is written
		return o, nil
	}
	if o.stderr, err = o.pipe(stderr); err != nil {
		o.begin()
		_ = o.wait(false)
		return nil, err
	}
	return o, nil
}

// same reports whether two writers are the same. Writers that cannot be compared are not.
func same(a, b io.Writer) (equal bool) {
	defer func() { _ = recover() }()
	return a == b
}

func (o *output) pipe(to io.Writer) (*os.File, error) {
	if to == nil {
		to = io.Discard
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o.pipes = append(o.pipes, pipe{r, to})
	return w, nil
}

// begin starts copying. It must be called once the container has its ends of the pipes,
// or once it is certain that it will never have them.
func (o *output) begin() {
	_ = o.stdout.Close()
	if o.stderr != nil {
		_ = o.stderr.Close()
	}
	for _, p := range o.pipes {
		o.copies.Go(func() {
			_, err := io.Copy(p.to, p.from)
			if errors.Is(err, os.ErrDeadlineExceeded) { // what is in the pipe still counts
				_ = p.from.SetReadDeadline(time.Now().Add(drainTimeout))
				_, err = io.CopyN(p.to, p.from, pipeSize)
			}
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
				o.mu.Lock()
				o.err = err
				o.mu.Unlock()
				_, _ = io.Copy(io.Discard, p.from) // a full pipe would block the container
			}
			_ = p.from.Close()
		})
	}
}

// wait waits until all output is copied, and returns a writer's error. If bounded is set,
// it waits only briefly for processes that still hold the container's ends.
func (o *output) wait(bounded bool) error {
	for _, p := range o.pipes {
		if bounded {
			_ = p.from.SetReadDeadline(time.Now().Add(drainTimeout))
		}
	}
	o.copies.Wait()
	return o.err
}
