package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/report"
)

// polyaxons matches the paths of requests to Polyaxon, and not those to the registry or
// the cluster.
var polyaxons = regexp.MustCompile(`^/(api/v1/(default|installation)|streams/v1)`)

// TestDeployThroughFaults makes each request of a whole deploy fail in each way. The
// deploy succeeds nevertheless, unless the registry or the cluster refuses the request.
// Then it fails before any job runs, and the next deploy succeeds.
func TestDeployThroughFaults(t *testing.T) {
	t.Parallel()
	t.Run("sandbox", func(t *testing.T) {
		t.Parallel()
		throughFaults(newStage(t, sandboxServer(t)), 19, 3, testenv.AllFaults()...)
	})
	t.Run("1.11.3", func(t *testing.T) {
		t.Parallel()
		throughFaults(newStage(t, oldServer(t)), 19, 5, testenv.AllFaults()...)
	})
	t.Run("2.18", func(t *testing.T) {
		t.Parallel()
		throughFaults(newStage(t, testenv.Forward(t, shared.Polyaxon(t))), 31, 7, testenv.LoseResponse, testenv.Twice, testenv.Refuse405)
	})
}

// throughFaults deploys once for each fault and each of some requests. On servers other
// than the sandbox it only takes the requests to Polyaxon.
func throughFaults(s *stage, usual, thorough int, faults ...testenv.Fault) {
	s.t.Helper()
	paths, first := s.rehearse(), 0
	if !strings.HasSuffix(s.t.Name(), "/sandbox") {
		first = slices.IndexFunc(paths, func(path string) bool { return strings.HasPrefix(path, "/api/v1/default/") })
	}
	for number, fault := range faults {
		s.t.Run(string(fault), func(t *testing.T) {
			defer func(outer *testing.T) { s.t = outer }(s.t)
			s.t = t
			for _, k := range some(len(paths)-first, usual, thorough, number) {
				s.throughFault(first+k, fault)
			}
		})
	}
}

// throughFault deploys with the k-th request made to fail.
func (s *stage) throughFault(k int, fault testenv.Fault) {
	s.t.Helper()
	project, path := s.project(), ""
	end := s.during(func(n int, r *http.Request, _ bool) {
		if n == k {
			path = r.Method + " " + r.URL.Path
		}
	})
	s.faults.Spoil(k, fault)
	code, err := s.deploy(s.t.Context(), project, tasks.DeployOptions{})
	s.faults.Spoil(0, "")
	end()
	what := fmt.Sprintf("request %d, %s", k, path)
	if _, where, _ := strings.Cut(path, " "); code == tasks.ExitStep && !polyaxons.MatchString(where) {
		if count := s.runs(project); len(count) > 0 {
			s.t.Errorf("%s: the deploy failed, and something runs: %v", what, count)
		}
		code, err = s.deploy(s.t.Context(), project, tasks.DeployOptions{})
	}
	if code != tasks.ExitOK {
		s.t.Errorf("%s: exit code %d: %v", what, code, err)
	}
	s.mustBeOnce(what, project, polyaxon.Succeeded, "prepare", "train")
}

// rehearse deploys twice and returns the paths of the requests of the second deploy. The
// first deploy finds an empty cluster and sends other requests.
func (s *stage) rehearse() []string {
	s.t.Helper()
	if code, err := s.deploy(s.t.Context(), s.project(), tasks.DeployOptions{}); code != tasks.ExitOK {
		s.t.Fatal(err)
	}
	var mu sync.Mutex
	var paths []string
	end := s.during(func(_ int, r *http.Request, answered bool) {
		if mu.Lock(); !answered {
			paths = append(paths, r.URL.Path)
		}
		mu.Unlock()
	})
	defer end()
	s.faults.Spoil(0, "")
	if code, err := s.deploy(s.t.Context(), s.project(), tasks.DeployOptions{}); code != tasks.ExitOK {
		s.t.Fatal(err)
	}
	return paths
}

// TestEveryEndThroughFaults lets runs end with every final status, and breaks the
// connection at each request to Polyaxon. The exit code is always that of the real final
// status.
func TestEveryEndThroughFaults(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandboxServer(t))
	paths := s.rehearse()
	first := slices.IndexFunc(paths, func(path string) bool { return strings.HasPrefix(path, "/api/v1/default/") })
	for number, end := range []struct {
		status polyaxon.Status
		code   int
	}{
		{polyaxon.Succeeded, tasks.ExitOK}, {polyaxon.Failed, tasks.ExitFailed}, {polyaxon.UpstreamFailed, tasks.ExitFailed},
		{polyaxon.Stopped, tasks.ExitStopped}, {polyaxon.Skipped, tasks.ExitStopped},
	} {
		t.Run(string(end.status), func(t *testing.T) {
			s.t = t
			s.ends.Store(end.status)
			for _, k := range some(len(paths)-first, 9, 3, number) {
				project := s.project()
				s.faults.Spoil(first+k, []testenv.Fault{testenv.LoseRequest, testenv.LoseResponse, testenv.CutResponse}[k%3])
				code, err := s.deploy(t.Context(), project, tasks.DeployOptions{})
				if code != end.code {
					t.Errorf("request %d: exit code %d: %v", first+k, code, err)
				}
				jobs := []string{"prepare"}
				if end.status == polyaxon.Succeeded {
					jobs = append(jobs, "train")
				}
				if end.status != polyaxon.Stopped { // duplicates are stopped too, so they look the same
					s.mustBeOnce(fmt.Sprintf("request %d", first+k), project, end.status, jobs...)
				}
			}
		})
	}
}

// TestInterruptedAtEveryRequest interrupts a deploy at each request, whose response
// arrives or is lost. No run is left running.
func TestInterruptedAtEveryRequest(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	paths := s.rehearse()
	s.ends.Store(polyaxon.Status("")) // runs keep running until they are stopped
	for number, fault := range []testenv.Fault{"", testenv.LoseResponse} {
		for _, k := range some(len(paths), 3, 2, number) {
			project := s.project()
			ctx, cancel := context.WithCancel(t.Context())
			end := s.during(func(n int, _ *http.Request, _ bool) {
				if n >= k {
					cancel()
				}
			})
			s.faults.Spoil(k, fault)
			code, err := s.deploy(ctx, project, tasks.DeployOptions{})
			end()
			cancel()
			if code != tasks.ExitInterrupted {
				t.Errorf("request %d: exit code %d: %v", k, code, err)
			}
			for what, count := range s.runs(project) {
				if !strings.HasSuffix(what, " stopped") && !strings.HasSuffix(what, " stopping") {
					t.Errorf("request %d, %s: %d of %s are left", k, fault, count, what)
				}
			}
		}
	}
}

// TestSecondSignalEndsAtOnce sends a second signal while the server does not answer the
// request to stop a run.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals that can be sent")
	}
	s := newStage(t, sandboxServer(t))
	s.ends.Store(polyaxon.Status(""))
	command := s.command(s.project())
	ended, started := make(chan struct{}), make(chan struct{})
	var first sync.Once
	end := s.during(func(_ int, r *http.Request, answered bool) {
		<-started
		switch {
		case strings.HasSuffix(r.URL.Path, "/stop") && !answered:
			_ = command.Process.Signal(os.Interrupt)
			<-ended
		case statusesOf.MatchString(r.URL.Path):
			first.Do(func() { _ = command.Process.Signal(os.Interrupt) })
		}
	})
	defer end()
	endsInterrupted(t, command, started, ended)
}

// endsInterrupted runs a command that a signal interrupts, and checks its exit code. It
// closes started when the command has started, and ended when it has ended.
func endsInterrupted(t *testing.T, command *exec.Cmd, started, ended chan struct{}) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	_ = command.Wait()
	close(ended)
	if code := command.ProcessState.ExitCode(); code != tasks.ExitInterrupted {
		t.Errorf("exit code %d", code)
	}
}

// TestPlanOnlyAsks runs plan before anything was deployed, and again after a deploy with
// changed inputs. None of its requests can change anything on a server.
func TestPlanOnlyAsks(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	project := s.project()
	for range 2 {
		var mu sync.Mutex
		end := s.during(func(_ int, r *http.Request, _ bool) {
			if mu.Lock(); r.Method != http.MethodGet && r.Method != http.MethodHead && r.URL.Query().Get("dryRun") != "All" {
				t.Errorf("plan sends %s %s", r.Method, r.URL.Path)
			}
			mu.Unlock()
		})
		result, err := tasks.Plan(t.Context(), s.env(project, &http.Transport{DisableKeepAlives: true}), tasks.PlanOptions{ExitCode: true})
		end()
		if tasks.ExitCode(err) != tasks.ExitChanges || len(result.Jobs) != 2 {
			t.Errorf("%+v, %v", result, err)
		}
		if code, err := s.deploy(t.Context(), project, tasks.DeployOptions{}); code != tasks.ExitOK {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "data.txt"), []byte("other data"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRaces runs two and eight deploys at the same time, repeatedly. All follow the same
// runs to their end. A job does not end before all deploys have submitted it, because a
// run that ends before its duplicate is detected cannot be undone.
func TestRaces(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	defer s.hold.Store((func(string) bool)(nil))
	for _, runners := range []int{2, 8} {
		for range map[bool]int{true: 15, false: 3}[testenv.Thorough()] {
			project := s.project()
			var mu sync.Mutex
			submitted := map[string]map[int]bool{"prepare": {}, "train": {}} // the runners that submitted each job
			submits := func(runner int, jobs ...string) {
				mu.Lock()
				defer mu.Unlock()
				for _, job := range jobs {
					submitted[job][runner] = true
				}
			}
			s.hold.Store(func(uuid string) bool {
				of, err := s.direct.Run(context.Background(), project, uuid)
				mu.Lock()
				defer mu.Unlock()
				return err != nil || len(submitted[of.Name]) < runners
			})
			var group sync.WaitGroup
			for runner := range runners {
				group.Go(func() {
					defer submits(runner, "prepare", "train") // a failed deploy must not block the others
					env := s.env(project, &http.Transport{DisableKeepAlives: true})
					env.Events = watching(func(e report.Event) {
						if e.Kind == report.Done && e.Step == "submit" {
							submits(runner, e.Subject)
						}
					})
					if _, err := tasks.Deploy(t.Context(), env, tasks.DeployOptions{}); err != nil {
						t.Errorf("exit code %d: %v", tasks.ExitCode(err), err)
					}
				})
			}
			group.Wait()
			s.mustBeOnce(fmt.Sprintf("%d runners", runners), project, polyaxon.Succeeded, "prepare", "train")
		}
	}
}

// watching is a function that is a report.Sink.
type watching func(report.Event)

// Event implements report.Sink.
func (w watching) Event(e report.Event) { w(e) }

var digest = regexp.MustCompile(`@(sha256:[0-9a-f]{64})`)

// digests returns the digests of the images of a project's runs.
func (s *stage) digests(project string) []string {
	s.t.Helper()
	runs, _, err := s.direct.Runs(context.Background(), project, polyaxon.Query{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for i := range runs {
		whole, err := s.direct.Run(context.Background(), project, runs[i].UUID)
		if err != nil {
			s.t.Fatal(err)
		}
		if match := digest.FindStringSubmatch(whole.RawContent); match != nil {
			all = append(all, match[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestKilledAtEveryRequest kills slipway at each request of a whole deploy, before the
// server receives it or after the server has answered, and then deploys again. Each job
// must have one run, and all must have the same image. For requests that create a run it
// tests both moments, for others one of the two.
func TestKilledAtEveryRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandboxServer(t))
	paths := s.rehearse()
	following := slices.IndexFunc(paths, statusesOf.MatchString) + 1
	for _, k := range some(len(paths), 17, 5, 0) {
		for _, answered := range []bool{false, true} {
			if answered == (k%2 == 0) && !strings.HasSuffix(paths[k-1], "/runs") {
				continue
			}
			project := s.project()
			s.ends.Store(polyaxon.Succeeded)
			if answered && k <= following+2 {
				s.ends.Store(polyaxon.Status("")) // the run outlives the process that submitted it
			}
			what := fmt.Sprintf("request %d of %d, answered %v", k, len(paths), answered)
			s.killed(project, k, answered)
			s.ends.Store(polyaxon.Succeeded)
			if output, err := s.command(project).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", what, err, output)
			}
			s.mustBeOnce(what, project, polyaxon.Succeeded, "prepare", "train")
			if found := s.digests(project); len(found) != 1 {
				t.Errorf("%s: runs of images %v", what, found)
			}
		}
	}
}

// killed deploys and kills the process at the k-th request.
func (s *stage) killed(project string, k int, answered bool) {
	command := s.command(project)
	started := make(chan struct{})
	var once sync.Once
	end := s.during(func(n int, _ *http.Request, a bool) {
		if n > k || n == k && a == answered {
			<-started
			once.Do(func() { _ = command.Process.Kill() })
			panic(http.ErrAbortHandler)
		}
	})
	defer end()
	s.faults.Spoil(0, "")
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	close(started)
	_ = command.Wait() // it was killed, or ended before that request
	// Requests that it sent may still be running. Wait for them, as the time until the
	// next deploy would.
	s.faults.Quiet()
}

// command returns slipway deploy as a process.
func (s *stage) command(project string) *exec.Cmd {
	command := exec.Command("slipway", "deploy", "--no-attestations", "-C", s.dir)
	command.Env = append(os.Environ(), "PROJECT="+project)
	return command
}
