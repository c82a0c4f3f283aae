package volume

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/advice"
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/panics"
)

// quietTimeout is how long a command may neither take nor send a byte. It has the time to compute the checksum of
// a file of 100 GB.
const quietTimeout = 10 * time.Minute

// quietCheck is how long nothing moves before Kubernetes is asked whether the pod is still there: the end of a command
// is not told when its pod is deleted while it reads.
const quietCheck = 5 * time.Second

// LostError reports that the connection to the pod broke, or that the pod has ended. Why says why, if Kubernetes
// does. What was being done can be done again with another pod.
type LostError struct {
	Pod, Why string
	Err      error
}

// Error implements error.
func (e *LostError) Error() string {
	if e.Why == "" {
		return fmt.Sprintf("the connection to pod %s, which reaches the volume, broke: %v", e.Pod, e.Err)
	}
	return fmt.Sprintf("pod %s, which reaches the volume, is gone: %s", e.Pod, e.Why)
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

// Run runs a script of sh in the pod. in may be nil. The error has what the script printed to its standard error if
// it failed, and is a *LostError if it did not end by itself.
func (p *Pod) Run(ctx context.Context, script string, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var moved atomic.Int64
	said := &tail{}
	streams := cluster.Streams{Out: counter{w: out, n: &moved}, Err: counter{w: said, n: &moved}}
	if in != nil {
		streams.In = counter{r: in, n: &moved}
	}
	stop := p.watch(ctx, &moved, cancel)
	err := p.cluster.Exec(ctx, p.name, []string{"sh", "-c", script}, streams)
	stop()
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, new(*LostError)) {
		return err
	}
	if why := p.gone(ctx); why != "" {
		return &LostError{p.name, why, err}
	}
	exit := new(cluster.ExitError)
	if !errors.As(err, &exit) {
		return &LostError{p.name, "", err}
	}
	if text := advice.Brief(said.String()); text != "" {
		return fmt.Errorf("%s (%w)", text, err)
	}
	return err
}

// gone says why the pod has ended or is being deleted, or returns "".
func (p *Pod) gone(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	pod, err := p.cluster.Pod(ctx, p.name)
	switch {
	case err != nil:
		return ""
	case pod == nil || pod.DeletionTimestamp != nil:
		return "it was deleted"
	case !running(pod):
		return ended(pod)
	}
	return ""
}

// watch calls lost if the pod is gone, or if nothing was counted for quietTimeout, unless stop is called before.
func (p *Pod) watch(ctx context.Context, moved *atomic.Int64, lost func(error)) (stop func()) {
	done := make(chan struct{})
	panics.Go(func() {
		last, quiet := moved.Load(), time.Duration(0)
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				return
			case <-time.After(quietCheck):
			}
			if now := moved.Load(); now != last {
				last, quiet = now, 0
				continue
			}
			if why := p.gone(ctx); why != "" {
				lost(&LostError{Pod: p.name, Why: why})
				return
			}
			if quiet += quietCheck; quiet >= quietTimeout {
				lost(&LostError{Pod: p.name, Err: fmt.Errorf("nothing has moved for %s", quietTimeout)})
				return
			}
		}
	}, lost)
	return func() { close(done) }
}

// counter counts the bytes that are read and written.
type counter struct {
	r io.Reader
	w io.Writer
	n *atomic.Int64
}

// Read implements io.Reader.
func (c counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Write implements io.Writer.
func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.w.Write(p)
}

// maxSaid is how much of the end of a script's standard error is kept, in bytes.
const maxSaid = 4 << 10

// tail keeps the end of what is written.
type tail struct{ bytes.Buffer }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.Buffer.Write(p)
	if extra := t.Len() - maxSaid; extra > 0 {
		t.Next(extra)
	}
	return len(p), nil
}
