package cluster_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// rotations follows pods whose logs the kubelet rotates every three seconds, next to an
// agent that archives everything on the node's disk.
func rotations(t *testing.T, c *cluster.Cluster, podLogs string) {
	const printed = 50_000 // 2.5 MiB in 12.5 s
	for name, blind := range map[string]bool{"rotation": false, "rotations that nobody sees": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, "sleep=2s", fmt.Sprintf("steady=%d,250us", printed), "sleep=2s")
			create(t, c, p)
			files := func() []string { return logFiles(t, podLogs, c.Namespace, p.Name) }
			access, sink := &flakyCluster{Cluster: c}, &sink{}
			sink.each = func() {
				if blind && len(sink.lines) == 5000 {
					before := len(files())
					access.shut(func() bool { return len(files()) >= before+2 })
				}
			}
			o := &operator{Cluster: c, archive: func() []polyaxon.LogLine { return archived(t, p.Name, files()) }}
			outcome, err := followBy(t, o, access, p.Labels[label], sink)
			if err != nil || outcome.Run.Status != polyaxon.Succeeded {
				t.Fatal(outcome, err)
			}
			if n := len(files()); n < 3 {
				t.Fatalf("the log was rotated %d times", n-1)
			}
			last := -1
			for i, line := range sink.lines {
				n, err := strconv.Atoi(strings.TrimPrefix(line, "line "))
				if err != nil || n <= last {
					t.Fatalf("line %d that is told is %q, after line %d", i, line, last)
				}
				last = n
			}
			notes := strings.Join(sink.notes, "\n")
			lost := printed - len(sink.lines)
			t.Logf("%d lines are missing; the notes are %q", lost, sink.notes)
			if told := strings.Contains(notes, fmt.Sprintf("%d lines of polyaxon-main were not shown", lost)); told != (lost > 0) {
				t.Errorf("%d lines are missing; the notes are %q", lost, sink.notes)
			}
			if told := strings.Contains(notes, "the log of polyaxon-main was rotated while it could not be read"); told != blind && !access.down {
				t.Errorf("the notes are %q", sink.notes)
			}
			if blind && lost == 0 && !access.down {
				t.Error("nothing is missing though nobody looked")
			}
		})
	}
}

// flakyCluster is a cluster that serves no logs for a while.
type flakyCluster struct {
	*cluster.Cluster
	mu   sync.Mutex
	down bool
	// until reports whether that time is over. cut cancels the logs that are being read.
	until func() bool
	cut   []context.CancelFunc
}

// shut cancels all logs being read, and serves none before until returns true.
func (b *flakyCluster) shut(until func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down, b.until = true, until
	for _, cut := range b.cut {
		cut()
	}
}

// PodLog implements run.Cluster.
func (b *flakyCluster) PodLog(ctx context.Context, pod string, o *corev1.PodLogOptions) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down = b.down && !b.until(); b.down {
		return nil, errors.New("the connection was cut")
	}
	ctx, cut := context.WithCancel(ctx)
	b.cut = append(b.cut, cut)
	return b.Cluster.PodLog(ctx, pod, o)
}

// logFiles returns the files of a pod's log on the node's disk, oldest first.
func logFiles(t *testing.T, podLogs, namespace, pod string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(podLogs, namespace+"_"+pod+"_*", "polyaxon-main", "0.log*"))
	if err != nil {
		t.Error(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, ".tmp") })
	slices.SortFunc(files, func(a, b string) int { // 0.log is the newest
		return strings.Compare(strings.TrimSuffix(a, ".gz")+"~", strings.TrimSuffix(b, ".gz")+"~")
	})
	return files
}

// archived returns the lines of a pod's log files.
func archived(t *testing.T, pod string, files []string) []polyaxon.LogLine {
	t.Helper()
	var lines []polyaxon.LogLine
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Error(err)
			continue
		}
		var content io.Reader = file
		if strings.HasSuffix(name, ".gz") {
			if content, err = gzip.NewReader(file); err != nil {
				t.Error(err)
			}
		}
		for scanner := bufio.NewScanner(content); scanner.Scan(); {
			words := strings.SplitN(scanner.Text(), " ", 4) // TIME STREAM TAG TEXT
			at, err := time.Parse(time.RFC3339Nano, words[0])
			if err != nil {
				t.Error(err)
			}
			lines = append(lines, polyaxon.LogLine{Timestamp: at, Pod: pod, Container: "polyaxon-main", Value: words[3]})
		}
		_ = file.Close()
	}
	return lines
}
