package run

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

const (
	// reopenAfter is how long a followed log may be silent before it is opened again. A kubelet
	// that has much to send may miss that the log was rotated, and then waits for more in a
	// file that gets no more lines. It rotates logs at most every 3 s.
	reopenAfter = 2 * time.Second
	// logEndWait is how long to wait for the end of a followed log after its container has
	// ended. A kubelet checks every second.
	logEndWait = 3 * time.Second
	// batchRead is the approximate size of a batch that is read ahead, in bytes. Up to four
	// batches are queued.
	batchRead = 256 << 10
)

// tailing is a log that stays open. A kubelet continues an open log through rotations,
// without losing lines. New requests get only the file that is currently written to.
type tailing struct {
	cancel  context.CancelFunc
	batches chan []string // closed at the end of the log
	done    panics.WaitGroup
	// first reports whether no line has arrived yet. heard is when the last one arrived.
	first bool
	heard time.Time
	// state is the current state of a line that a program redraws, or nil if it was
	// reported.
	state atomic.Pointer[string]
}

// follow opens the container's log and keeps it open.
func (r *podReading) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	body, err := r.open(ctx, &corev1.PodLogOptions{Follow: true, SinceTime: r.own().since()})
	if err != nil {
		cancel()
		return err
	}
	r.tailing = &tailing{cancel: cancel, batches: make(chan []string, 4), first: true, heard: r.options.Clock.Now()}
	r.done.Go(func() { r.read(ctx, body) })
	r.tails[r.key] = r
	return nil
}

// read reads whole lines ahead until the log ends or ctx is done.
func (t *tailing) read(ctx context.Context, body io.ReadCloser) {
	defer close(t.batches)
	defer body.Close()
	reader := bufio.NewReaderSize(&redrawReader{Reader: body, state: &t.state}, 64<<10)
	var batch []string
	for size := 0; ; {
		text, err := readLine(reader)
		if err == nil {
			batch = append(batch, text)
			size += len(text)
			if next, _ := reader.Peek(reader.Buffered()); size < batchRead && bytes.IndexByte(next, '\n') >= 0 {
				continue
			}
		}
		select {
		case t.batches <- batch:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return // an unfinished line is read again
		}
		batch, size = nil, 0
	}
}

// redrawReader is a reader that records the state of an unfinished line that is being redrawn,
// as progress bars are.
type redrawReader struct {
	io.Reader
	state *atomic.Pointer[string]
	line  []byte
}

// Read implements io.Reader.
func (u *redrawReader) Read(b []byte) (int, error) {
	n, err := u.Reader.Read(b)
	read := b[:n]
	if end := bytes.LastIndexByte(read, '\n'); end >= 0 {
		u.line, read = u.line[:0], read[end+1:]
		u.state.Store(nil)
	}
	u.line = append(u.line, read[max(0, len(read)-maxState):]...)
	if over := len(u.line) - maxState; over > 0 {
		u.line = append(u.line[:0], u.line[over:]...)
	}
	if bytes.IndexByte(u.line, '\r') >= 0 {
		state := string(u.line)
		u.state.Store(&state)
	}
	return n, err
}

// maxState is the maximum length of such a line that is kept, in bytes.
const maxState = 4 << 10

// drain passes on the new lines of a followed log and reports whether the log stays open.
// If the container or the run has ended, it waits for the end of the log.
func (r *podReading) drain(ctx context.Context, running bool) bool {
	running = running && r.until.IsZero()
	until := r.until
	if until.IsZero() {
		until = r.options.Clock.Now().Add(logEndWait)
	}
	for r.ready(ctx) {
		now := r.options.Clock.Now()
		switch {
		case running && now.Sub(r.heard) < reopenAfter:
			return true
		case running, !now.Before(until), r.options.Clock.Sleep(ctx, firstPoll) != nil:
			r.close()
			return false
		}
	}
	r.own().unread = true
	r.close()
	return false
}

// ready passes on the lines that have arrived and reports whether more may follow.
func (r *podReading) ready(ctx context.Context) bool {
	defer r.settle()
	for {
		select {
		case batch, open := <-r.batches:
			if !open {
				return false
			}
			for _, text := range batch {
				r.heard = r.options.Clock.Now()
				_ = r.line(ctx, text, &r.first)
			}
		default:
			if state := r.state.Swap(nil); state != nil {
				r.progress(trimTimestamp(*state))
			}
			return true
		}
	}
}

// close ends the reading. Lines that were read ahead and not passed on are read again.
func (r *podReading) close() {
	r.cancel()
	r.done.Wait()
	delete(r.tails, r.key)
}

// isRestarted reports whether a followed log starts over: a kubelet that finds it rotated twice
// sends the current file twice.
func (r *podReading) isRestarted(c *chunk, line *polyaxon.LogLine) bool {
	m := r.print.mark(line)
	return m.at > c.before && c.left[m.hash] == 0 && (m.at <= c.floor || m.at < c.newest && c.counts[m.hash] > 0)
}

// detachTails passes on the lines that have arrived of the open logs, and closes them.
func (l *lines) detachTails(ctx context.Context) {
	for _, r := range l.tails {
		r.ready(ctx)
		r.close()
	}
}

// closeTails closes all open logs.
func (l *lines) closeTails() {
	for _, r := range l.tails {
		r.close()
	}
}
