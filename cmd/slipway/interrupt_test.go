package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestInterrupted sends a signal to commands while they wait, or while a request of
// theirs is not answered. up stops the service that it started. resume and approve report
// that they do not know what the server made of the request. All exit with 130.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no signals that can be sent")
	}
	s := newStage(t, sandboxServer(t))
	s.ends.Store(polyaxon.Status(""))
	if err := os.WriteFile(filepath.Join(s.dir, "service.yml"), []byte(strings.Replace(stagedJob, "kind: job", "kind: service\n  ports: [80]", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(s.dir, "slipway.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append(text, "services: {api: {polyaxonfile: service.yml, image: data}}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, method, suffix string // the request at which the signal is sent
		made                 func(project string) string
		args                 []string
		want, left           string
		signal               os.Signal
	}{
		{"up while its run is made", http.MethodPost, "/runs", nil, []string{"up", "api"}, "run [UUID] of service api was stopped", "api stopp", os.Interrupt},
		{"up while it waits", http.MethodGet, "/runs/", nil, []string{"up", "api"}, "run [UUID] of service api was stopped", "api stopp", os.Interrupt},
		{"up while its terminal is closed", http.MethodGet, "/runs/", nil, []string{"up", "api"}, "run [UUID] of service api was stopped", "api stopp", syscall.SIGHUP},
		{"up that is told to quit", http.MethodGet, "/runs/", nil, []string{"up", "api"}, "run [UUID] of service api was stopped", "api stopp", syscall.SIGQUIT},
		{"resume", http.MethodPost, "/resume", s.ended, []string{"resume"}, "whether run [UUID] was resumed is unknown; check it with slipway status [UUID]", "", os.Interrupt},
		{"approve", http.MethodPost, "/approve", s.gated, []string{"approve"}, "whether run [UUID] was approved is unknown; check it with slipway status [UUID]", "", os.Interrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			if signal.Ignored(test.signal) {
				t.Skip("who started the tests has this signal ignored, as nohup does, and so do the commands that they start")
			}
			project, uuid := s.project(), ""
			if test.made != nil {
				uuid = test.made(project)
				test.args = append(test.args, uuid)
			}
			command := exec.Command("slipway", append([]string{"-C", s.dir, "--no-attestations", "-o", "json"}, test.args...)...)
			command.Env = append(os.Environ(), "PROJECT="+project)
			var said, result bytes.Buffer
			command.Stdout, command.Stderr = &result, &said
			started, ended := make(chan struct{}), make(chan struct{})
			var once sync.Once
			end := s.during(func(_ int, r *http.Request, answered bool) {
				<-started
				waits := strings.HasSuffix(r.URL.Path, test.suffix) || test.suffix == "/runs/" && strings.Contains(r.URL.Path, test.suffix)
				if r.Method != test.method || !waits || answered {
					return
				}
				once.Do(func() {
					_ = command.Process.Signal(test.signal)
					if test.left == "" {
						<-ended
					}
				})
			})
			defer end()
			endsInterrupted(t, command, started, ended)
			runs := s.runs(project)
			if test.made != nil { // do not leave the run running
				defer func() {
					s.faults.Quiet()
					_ = s.direct.SetStatus(context.Background(), project, uuid, polyaxon.Condition{Type: polyaxon.Stopped, Reason: "Test"})
				}()
			}
			if test.left != "" {
				if !strings.Contains(result.String(), `"status": "stopped"`) {
					t.Errorf("the result does not say stopped: %s", result.String())
				}
				for what := range runs {
					if !strings.HasPrefix(what, test.left) {
						t.Errorf("%s is left", what)
					}
				}
				if found, _, err := s.direct.Runs(t.Context(), project, polyaxon.Query{Limit: 1}); err == nil && len(found) == 1 {
					uuid = found[0].UUID
				}
			}
			if want := strings.ReplaceAll(test.want, "[UUID]", uuid[:8]); len(runs) != 1 || !strings.Contains(said.String(), want) {
				t.Errorf("%v are there, and it says\n%swant %q", runs, said.String(), want)
			}
		})
	}
}

// ended returns the id of a run that was stopped, and gated the id of one that waits for
// approval.
func (s *stage) ended(project string) string {
	uuid := s.submitted(project, `"component"`)
	if err := s.direct.Stop(s.t.Context(), project, uuid); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		status, _, err := s.direct.Statuses(s.t.Context(), project, uuid)
		if err == nil && status.Terminal() {
			return uuid
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the run is %s: %v", status, err)
		}
	}
}

func (s *stage) gated(project string) string {
	return s.submitted(project, `"isApproved":false,"component"`)
}

func (s *stage) submitted(project, component string) string {
	s.t.Helper()
	if err := s.direct.EnsureProject(s.t.Context(), project); err != nil {
		s.t.Fatal(err)
	}
	content := `{"version":1.1,"kind":"operation",` + component + `:{"run":{"kind":"job","container":{"image":"none","command":["true"],"resources":{"limits":{"nvidia.com/gpu":99}}}}}}`
	made, err := s.direct.CreateRun(s.t.Context(), project, polyaxon.CreateRun{Content: content, Name: "job"})
	if err != nil {
		s.t.Fatal(err)
	}
	return made.UUID
}
