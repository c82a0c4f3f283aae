package polyaxon

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/sandbox/jail"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
)

// followPause is the time between two reads of a log that is followed.
const followPause = 50 * time.Millisecond

// maxTail is the maximum number of last lines that are kept in memory. A request for more
// gets all lines.
const maxTail = 100_000

// Lines implements kubernetes.Workloads.
func (w *workloads) Lines(ctx context.Context, pod, container string, tail int64, follow bool, visit func(kubernetes.Line) error) error {
	r, _, err := w.runOf(pod)
	if err != nil {
		return err
	}
	logs, err := jail.Make(w.executor.dir("logs", r.UUID))
	if err != nil {
		return err
	}
	defer logs.Close()
	file, _, err := logs.Open(pod + ".jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has printed nothing yet
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reading := &podLog{reader: bufio.NewReader(file), container: container}
	if tail >= 0 && tail <= maxTail {
		last, err := reading.last(ctx, int(tail))
		if err != nil {
			return err
		}
		for _, next := range last {
			if err := visit(next); err != nil {
				return err
			}
		}
	}
	for {
		ended := !follow || w.hasEnded(pod, container) // before the read, so that the read sees all lines
		if err := reading.each(ctx, visit); err != nil || ended {
			return err
		}
		if err := clock.Sleep(ctx, followPause); err != nil {
			return nil //nolint:nilerr // the client has left
		}
	}
}

// hasEnded reports whether a container prints nothing any more.
func (w *workloads) hasEnded(pod, container string) bool {
	r, at, err := w.runOf(pod)
	if err != nil {
		return true
	}
	seen := r.Pods[at].of(container)
	return terminal(r.Status) || at < len(r.Pods)-1 || seen != nil && !seen.Ended.IsZero()
}

// podLog reads the lines of a container from the log of its pod.
type podLog struct {
	reader    *bufio.Reader
	container string
	// partial is the beginning of a line that is not complete yet.
	partial []byte
}

// each calls visit with the lines up to the present end of the log.
func (l *podLog) each(ctx context.Context, visit func(kubernetes.Line) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := l.reader.ReadBytes('\n')
		l.partial = append(l.partial, text...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var next line
		ours := bytes.Contains(l.partial, []byte(l.container)) && json.Unmarshal(l.partial, &next) == nil && next.Container == l.container
		l.partial = l.partial[:0]
		if ours {
			if err := visit(kubernetes.Line{Time: next.Timestamp, Text: next.Value}); err != nil {
				return err
			}
		}
	}
}

// last returns the last n lines up to the present end of the log.
func (l *podLog) last(ctx context.Context, n int) ([]kubernetes.Line, error) {
	var kept []kubernetes.Line
	err := l.each(ctx, func(next kubernetes.Line) error {
		if kept = append(kept, next); len(kept) > 2*n {
			kept = append(kept[:0], kept[len(kept)-n:]...)
		}
		return nil
	})
	return kept[max(0, len(kept)-n):], err
}
