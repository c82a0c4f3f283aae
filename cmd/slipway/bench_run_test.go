package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// BenchmarkRunOverhead runs a job that does nothing on a real Polyaxon server, by
// slipway and by Polyaxon's own command line: all the time that it takes is what
// these, the server and its agent add to a run.
func BenchmarkRunOverhead(b *testing.B) {
	w := newBenchRun(b, "echo done")
	testenv.Compare(b,
		testenv.Contender{Name: "slipway deploy --rerun", Run: func(tb testing.TB) int64 { return execute(tb, w.dir, w.binary, "deploy", "--rerun") }},
		testenv.Contender{Name: "polyaxon run --watch", Run: func(tb testing.TB) int64 {
			command := w.polyaxon("--watch")
			if out, err := command.CombinedOutput(); err != nil {
				tb.Fatalf("%v\n%s", err, out)
			}
			return testenv.Peak(command.ProcessState)
		}},
	)
}

// BenchmarkRunLatency measures how late slipway and Polyaxon's own command line
// are: from a job's first line to its being shown, and from the job's end to theirs.
// The job prints the time when it begins and when it ends.
func BenchmarkRunLatency(b *testing.B) {
	w := newBenchRun(b, "date +%s%N; sleep 2; date +%s%N")
	commands := []func() *exec.Cmd{
		func() *exec.Cmd {
			command := exec.Command(w.binary, "deploy", "--rerun")
			command.Dir = w.dir
			return command
		},
		func() *exec.Cmd { return w.polyaxon("--log") },
	}
	rows := []testenv.Row{{Name: "slipway, first line"}, {Name: "polyaxon run --log, first line"}, {Name: "slipway, end"}, {Name: "polyaxon run --log, end"}}
	for b.Loop() {
		for i, command := range commands {
			line, end := lateness(b, command())
			rows[i].Times = append(rows[i].Times, line)
			rows[i+2].Times = append(rows[i+2].Times, end)
		}
	}
	testenv.Print(b, rows...)
}

// moment is a time in nanoseconds since 1970, as a job prints it.
var moment = regexp.MustCompile(`\b\d{19}\b`)

// lateness runs a command that shows what a job prints, and gives how long after
// the first moment that the job printed it was shown, and how long after the last
// one the command ended.
func lateness(tb testing.TB, command *exec.Cmd) (line, end time.Duration) {
	read, write := io.Pipe()
	command.Stdout, command.Stderr = write, write
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		_ = write.Close()
		ended <- err
	}()
	var last time.Time
	for lines := bufio.NewScanner(read); lines.Scan(); {
		printed, err := strconv.ParseInt(moment.FindString(lines.Text()), 10, 64)
		if err != nil {
			continue
		}
		if last.IsZero() {
			line = time.Since(time.Unix(0, printed))
		}
		last = time.Unix(0, printed)
	}
	// Polyaxon's own exit code says nothing of the run.
	if err := <-ended; last.IsZero() || err != nil && !errors.As(err, new(*exec.ExitError)) {
		tb.Fatalf("%s: %v; it shows no moment", command, err)
	}
	return line, time.Since(last)
}

// benchRun is a repository whose job runs a shell's script on a real Polyaxon.
type benchRun struct{ dir, home, host, root, binary string }

func newBenchRun(b *testing.B, script string) *benchRun {
	w := &benchRun{dir: b.TempDir(), home: b.TempDir(), host: testenv.Polyaxon(b), root: testenv.Root(b)}
	for name, text := range map[string]string{
		"slipway.yaml": "project: bench\nregistry: 127.0.0.1:9/none\npolyaxon: {host: \"" + w.host + "\"}\njobs: {nothing: {polyaxonfile: job.yml}}\n",
		"job.yml":      "version: 1.1\nkind: component\nname: nothing\nrun: {kind: job, container: {image: busybox, command: [sh, -c, \"" + script + "\"]}}\n",
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	w.binary = filepath.Join(b.TempDir(), "slipway")
	execute(b, w.root, "go", "build", "-o", w.binary, "./cmd/slipway")
	b.Cleanup(func() { stopSandbox(w.dir) })
	execute(b, w.dir, w.binary, "deploy")
	return w
}

// polyaxon is Polyaxon's own command line, which runs the same job.
func (w *benchRun) polyaxon(flag string) *exec.Cmd {
	command := exec.Command(filepath.Join(w.root, ".cache", "haupt", "bin", "polyaxon"), "run", "-f", "job.yml", "-p", "bench", flag)
	command.Dir = w.dir
	command.Env = append(os.Environ(), "HOME="+w.home, "POLYAXON_HOST="+w.host, "POLYAXON_CONTEXT_ROOT="+w.home)
	return command
}
