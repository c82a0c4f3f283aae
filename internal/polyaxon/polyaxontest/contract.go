// Package polyaxontest is the contract that every Polyaxon server must fulfill for
// slipway. The same tests run against the sandbox's server, a real server of 2.18, and
// recorded responses of a real server of 1.11.3.
package polyaxontest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Server is the server under test.
type Server struct {
	Client    *polyaxon.Client
	Namespace string
	Version   schema.Version
	// Image is the image of the program that Program starts, which is that of
	// cmd/slipway/testdata/job. Its arguments say what to do.
	Image   string
	Program []string
	// Services reports whether the server's gateway can reach services. Token is sent to the
	// gateway, which may require it.
	Services bool
	Token    secret.Value
	// Pipelines reports whether the server accepts dags.
	Pipelines bool
}

// sink records the events of a run.
type sink struct {
	statuses []polyaxon.Status
	lines    []string
}

// Status implements run.Sink.
func (s *sink) Status(c polyaxon.Condition) { s.statuses = append(s.statuses, c.Type) }

// Waits implements run.Sink.
func (*sink) Waits(string) {}

// Note implements run.Sink.
func (*sink) Note(string) {}

// Progress implements run.Sink.
func (*sink) Progress(string) {}

// Line implements run.Sink.
func (s *sink) Line(l polyaxon.LogLine) { s.lines = append(s.lines, l.Value) }

// project is the project of the suite's runs.
const project = "contract"

// suite is the contract, applied to one server.
type suite struct {
	Server
	ctx context.Context
}

// Contract runs the tests against server.
func Contract(t *testing.T, server Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	s := &suite{server, ctx}
	s.projects(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"a run succeeds, once for its key", s.succeeds},
		{"a run fails", s.fails},
		{"a run is stopped", s.stopped},
		{"runs are made of runs", s.clones},
		{"a run that has ended is resumed", s.resumed},
		{"a run waits until it is approved", s.approved},
		{"a run is deleted", s.deleted},
		{"answers have all fields", s.fields},
		{"a run and a project are moved", s.moved},
		{"runs are found", s.found},
		{"an operation that does not compile fails", s.uncompiled},
		{"a dry run compiles and leaves nothing", s.dryRuns},
		{"what is wrong is refused", s.refused},
		{"pipelines are taken or refused", s.pipelines},
		{"lines are returned live and from the archive", s.logs},
		{"files are stored and listed", s.files},
		{"directories are stored whole", s.directories},
		{"metrics, outputs and lineage are returned", s.tracked},
		{"metrics are told without a library", s.told},
		{"a service answers", s.service},
		{"submitters at the same moment end with one run", s.race},
	} {
		t.Run(part.name, part.test)
	}
}

// must fails the test if err is not nil.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// operation returns an operation whose container does what args say. If change is not
// nil, it edits the operation, its component and its run section.
func (s *suite) operation(change func(operation, component, run map[string]any), args ...string) string {
	program := map[string]any{"kind": "job", "container": map[string]any{"image": s.Image, "command": append(append([]string{}, s.Program...), args...)}}
	component := map[string]any{"kind": "component", "version": 1.1, "run": program}
	operation := map[string]any{"kind": "operation", "version": 1.1, "component": component}
	if change != nil {
		change(operation, component, program)
	}
	text, err := json.Marshal(operation)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// submit submits an operation whose container does what args say.
func (s *suite) submit(t *testing.T, key string, args ...string) *run.Submitted {
	t.Helper()
	submitted, err := run.Submit(s.ctx, s.Client, run.Submission{Project: project, Name: "contract", Content: s.operation(nil, args...), Key: key})
	must(t, err)
	return submitted
}

// create creates a run without looking for an existing one first.
func (s *suite) create(t *testing.T, r polyaxon.CreateRun) *polyaxon.Run {
	t.Helper()
	created, err := s.Client.CreateRun(s.ctx, project, r)
	must(t, err)
	return created
}

// target returns a job of the suite's project.
func (s *suite) target(uuid string) run.Target {
	return run.Target{Namespace: s.Namespace, Project: project, UUID: uuid, Kind: "job"}
}

// artifact names a file or a directory of a run.
func (s *suite) artifact(uuid, path string) polyaxon.Artifact {
	return polyaxon.Artifact{Namespace: s.Namespace, Project: project, UUID: uuid, Path: path}
}

// follow follows a run to its end and checks its final status.
func (s *suite) follow(t *testing.T, uuid string, want polyaxon.Status) *sink {
	t.Helper()
	seen := &sink{}
	outcome, err := run.Follow(s.ctx, s.Client, s.target(uuid), run.FollowOptions{Logs: true}, seen)
	must(t, err)
	if outcome.Run.Status != want {
		reason, message := outcome.Reason()
		t.Errorf("the run is %s (%s, %s), want %s", outcome.Run.Status, reason, message, want)
	}
	return seen
}

// until calls yes until it returns true, for at most a minute.
func (s *suite) until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	for !yes() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never came to this: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// becomes waits until a run has the status want.
func (s *suite) becomes(t *testing.T, uuid string, want polyaxon.Status) {
	t.Helper()
	s.until(t, fmt.Sprintf("run %s is %s", uuid, want), func() bool {
		status, _, err := s.Client.Statuses(s.ctx, project, uuid)
		must(t, err)
		if status.Terminal() && status != want {
			t.Fatalf("run %s is %s, want %s", uuid, status, want)
		}
		return status == want
	})
}
