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

// BenchmarkRunOverhead runs a job that does nothing on a real Polyaxon server, once with
// slipway and once with Polyaxon's own command line. The measured time is what the
// command line, the server and its agent add to a run.
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

// BenchmarkRunLatency measures the delay of slipway and of Polyaxon's own command line:
// from the moment a job prints its first line until the line is shown, and from the end
// of the job until the command ends. The job prints the time when it begins and when it
// ends.
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

// moment matches a time in nanoseconds since 1970, as the job prints it.
var moment = regexp.MustCompile(`\b\d{19}\b`)

// lateness runs a command that shows what a job prints. It returns the delay between the
// first time that the job printed and its being shown, and the delay between the last
// time that the job printed and the end of the command.
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
	// The exit code of Polyaxon's command line does not depend on how the run ended.
	if err := <-ended; last.IsZero() || err != nil && !errors.As(err, new(*exec.ExitError)) {
		tb.Fatalf("%s: %v; it shows no moment", command, err)
	}
	return line, time.Since(last)
}

// benchRun is a repository with one job, which runs a shell script on a real Polyaxon
// server.
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

// polyaxon returns the command of Polyaxon's own command line that runs the same job.
func (w *benchRun) polyaxon(flag string) *exec.Cmd {
	command := exec.Command(filepath.Join(w.root, ".cache", "haupt", "bin", "polyaxon"), "run", "-f", "job.yml", "-p", "bench", flag)
	command.Dir = w.dir
	command.Env = append(os.Environ(), "HOME="+w.home, "POLYAXON_HOST="+w.host, "POLYAXON_CONTEXT_ROOT="+w.home)
	return command
}
