package run

import (
	"bufio"
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// lastLinesOf returns the last lines of a container that failed and whose lines were not passed
// on, from its pod or else from the archive.
func (f *follower) lastLinesOf(ctx context.Context, of *Failure) []string {
	last := &recent{}
	if f.reachable && of.Pod != "" && f.podLastLines(ctx, of, last) == nil && len(last.lines) > 0 {
		return last.lines
	}
	last.lines = nil
	q := f.lines.query()
	for seen := map[string]bool{}; len(seen) < maxLogFiles; {
		page, err := f.client.ReadLogs(ctx, q, func(l polyaxon.LogLine) error {
			if l.Container == of.Container && (of.Pod == "" || l.Pod == of.Pod) {
				last.add(l.Value)
			}
			return nil
		})
		if err != nil || page.LastFile == "" || seen[page.LastFile] {
			break
		}
		q.LastFile = page.LastFile
		seen[page.LastFile] = true
	}
	return last.lines
}

// podLastLines reads the lines from the pod. It reads those of the instance before the last
// restart if that is the one that failed.
func (f *follower) podLastLines(ctx context.Context, of *Failure, last *recent) error {
	lines := int64(maxLastLines)
	body, err := f.options.Cluster.PodLog(ctx, of.Pod, &corev1.PodLogOptions{Container: of.Container, TailLines: &lines, Timestamps: true, Previous: of.restarted})
	if err != nil {
		return err
	}
	defer body.Close()
	reader := bufio.NewReaderSize(body, 64<<10)
	for {
		text, err := readLine(reader)
		if _, value, ok := splitTimestamp(text); ok {
			last.add(value)
		}
		if err != nil {
			return errors.Join(ctx.Err()) // logs end with io.EOF, so only a canceled ctx is an error
		}
	}
}

// recent keeps the last lines that were added.
type recent struct{ lines []string }

// add adds a line, shortened and sanitized.
func (l *recent) add(value string) {
	l.lines = append(l.lines, logline.Sanitize(shorten(value, maxLastLine)))
	l.lines = l.lines[max(0, len(l.lines)-maxLastLines):]
}
