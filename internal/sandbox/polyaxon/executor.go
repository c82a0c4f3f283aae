package polyaxon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
)

// grace is how long a run may take to end when it is stopped, unless its pod says less.
// Kubernetes allows 30 s; here a user waits at a terminal.
const grace = 3 * time.Second

// executor compiles runs, waits for what they need, and runs them. It does the work of
// the scheduler, the agent and the kubelet.
type executor struct {
	options Options
	dialect *dialect
	store   *store
	ctx     context.Context
	cancel  context.CancelFunc
	group   panics.WaitGroup

	mu    sync.Mutex
	alive map[string]*execution
	used  request
	// reserved is what each run with claimed resources uses.
	reserved map[string]request
	// freed is closed, and replaced, when resources become free.
	freed chan struct{}
}

// execution is a run that has not ended.
type execution struct {
	stop context.CancelCauseFunc
	log  atomic.Pointer[logWriter] // of the current attempt
	// service is nil for a job, and before the service runs.
	service *service
	// done is closed when the execution has ended. abandoned reports that the run's final
	// status was set through the API, so that this execution must not set it.
	done      chan struct{}
	abandoned bool
}

// errStopped is the cause of the end of a run that was stopped.
var errStopped = errors.New("the run was stopped")

func newExecutor(o Options, d *dialect, s *store) *executor {
	ctx, cancel := context.WithCancel(context.Background())
	return &executor{options: o, dialect: d, store: s, ctx: ctx, cancel: cancel, alive: map[string]*execution{}, used: request{}, reserved: map[string]request{}, freed: make(chan struct{})}
}

// recover resumes or ends the runs that the previous process left when it was killed.
func (e *executor) recover() error {
	e.store.mu.Lock()
	var left []record
	for _, r := range e.store.runs {
		if !terminal(r.Status) && r.ManagedBy == "agent" && r.Pending == "" {
			left = append(left, *r)
		}
	}
	e.store.mu.Unlock()
	for _, r := range left {
		var err error
		switch r.Status {
		case stopping:
			err = e.store.set(r.UUID, stopped, "SandboxRestarted", "Run was stopped; the sandbox exited meanwhile.", false)
		case created, compiled, queued, unschedulable, resuming:
			err = e.compile(r.UUID, true)
		default:
			err = e.store.set(r.UUID, failed, "SandboxRestarted", "The sandbox was killed while the run was active; run it again.", false)
		}
		if err != nil {
			return fmt.Errorf("recover run %s: %w", r.UUID, err)
		}
	}
	return nil
}

func (e *executor) active() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.alive)
}

// serving returns the running service of a run, or nil.
func (e *executor) serving(uuid string) *service {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.alive[uuid]; x != nil {
		return x.service
	}
	return nil
}

func (e *executor) close(ctx context.Context) error {
	e.mu.Lock()
	for uuid, x := range e.alive {
		x.stop(errStopped)
		_ = e.store.set(uuid, stopping, "SandboxStopped", "The sandbox is stopping.", false)
	}
	e.mu.Unlock()
	done := make(chan struct{})
	panics.Go(func() { defer close(done); e.group.Wait() }, func(err error) { fmt.Fprintln(e.options.Log, err) })
	select {
	case <-done:
		e.cancel()
		return nil
	case <-ctx.Done():
		e.cancel() // kills what is left
		<-done
		return nil
	}
}

// stop asks a run to end.
func (e *executor) stop(uuid string) error {
	e.mu.Lock()
	x := e.alive[uuid]
	e.mu.Unlock()
	if x == nil {
		return e.store.set(uuid, stopped, "StateManager", "Run is stopped; User requested to stop the run.", false)
	}
	if err := e.store.set(uuid, stopping, "StateManager", "Run is stopping; User requested to stop the run.", false); err != nil {
		return err
	}
	x.stop(errStopped)
	return nil
}

// abandon stops the execution of a run whose final status was set through the API.
func (e *executor) abandon(uuid string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x := e.alive[uuid]; x != nil {
		x.abandoned = true
		x.stop(errStopped)
	}
}

// compile compiles a run's operation and, if queue is set, starts the run.
func (e *executor) compile(uuid string, queue bool) error {
	r, _ := e.store.run(uuid)
	resolved, pod, err := e.resolve(&r)
	if err != nil {
		return e.store.set(uuid, failed, "SchedulerPrepare", "Failed to compile.\n"+err.Error(), false)
	}
	err = e.store.change(uuid, func(r *record) {
		r.Content, r.Inputs = string(resolved.JSON()), resolved.Inputs
		if len(resolved.Outputs) > 0 && r.Outputs == nil {
			r.Outputs = resolved.Outputs
		}
		r.set(compiled, "SchedulerPrepare", "Run is compiled", false, e.options.Now())
		if queue {
			r.set(queued, "SchedulerStart", "Run is queued", false, e.options.Now())
		}
	})
	if err != nil || !queue {
		return err
	}
	e.begin(uuid, pod)
	return nil
}

// resolve returns a run's compiled operation and its pod.
func (e *executor) resolve(r *record) (*compile.Compiled, *compile.Pod, error) {
	operation, err := compile.Operation([]byte(r.RawContent), e.dialect.version)
	if err != nil {
		return nil, nil, err
	}
	resolved, err := operation.Resolve(compile.Context{
		Owner: owner, Project: r.Project, ProjectUUID: r.Project, Name: r.Name, UUID: r.UUID, Namespace: e.options.Namespace, Created: r.CreatedAt,
		ArtifactsRoot: artifactsRoot, Connections: catalog(),
	})
	if err != nil {
		return nil, nil, err
	}
	pod, err := resolved.Pod()
	return resolved, pod, err
}

// begin runs a run in the background, after any earlier execution of it has ended.
func (e *executor) begin(uuid string, o *compile.Pod) {
	ctx, stop := context.WithCancelCause(e.ctx)
	x := &execution{stop: stop, done: make(chan struct{})}
	e.mu.Lock()
	before := e.alive[uuid]
	e.alive[uuid] = x
	e.mu.Unlock()
	e.group.Go(func() {
		defer close(x.done)
		defer stop(nil)
		if before != nil {
			<-before.done
		}
		status, reason, message := e.runAttempts(ctx, x, uuid, o)
		e.mu.Lock()
		defer e.mu.Unlock()
		if !x.abandoned {
			if err := e.store.report(uuid, status, reason, message); err != nil {
				fmt.Fprintf(e.options.Log, "run %s: its status %s cannot be stored: %v\n", uuid, status, err)
			}
		}
		if e.alive[uuid] == x {
			delete(e.alive, uuid)
		}
	})
}

// attempts runs a run until it succeeds or has no retries left, and returns its final
// status.
func (e *executor) attempts(ctx context.Context, x *execution, uuid string, o *compile.Pod) (status, reason, message string) {
	if o.Termination.Timeout > 0 {
		var cancel context.CancelFunc
		limit := time.Duration(o.Termination.Timeout) * time.Second
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &deadlineError{limit})
		defer cancel()
	}
	e.podCreated(uuid, 0)
	asked := requestOf(append(o.Sidecars, o.Container)...)
	lacks := e.options.Capacity.lacks(asked)
	if lacks == "" {
		if err := e.reserve(ctx, uuid, asked); err != nil {
			return ending(ctx, err)
		}
		defer e.release(uuid)
	}
	e.setStatus(uuid, scheduled, e.dialect.submitted[0], e.dialect.submitted[1])
	e.setStatus(uuid, starting, "JobCreated", "Job is created")
	if lacks != "" {
		e.setStatus(uuid, unschedulable, "Unschedulable", lacks)
		<-ctx.Done()
		return ending(ctx, nil)
	}
	for attempt := 0; ; attempt++ {
		if attempt > 0 {
			e.podCreated(uuid, attempt)
		}
		err := e.pod(ctx, x, uuid, o, attempt)
		if err == nil {
			return succeeded, "PodSucceeded", "Run succeeded"
		}
		var ended *exitError
		if ctx.Err() != nil || !errors.As(err, &ended) || attempt >= o.Termination.MaxRetries {
			return ending(ctx, err)
		}
		e.setStatus(uuid, retrying, "Retrying", fmt.Sprintf("%s; starting attempt %d of %d", err, attempt+2, o.Termination.MaxRetries+1))
	}
}

// ending returns the final status of a run that did not succeed.
func ending(ctx context.Context, err error) (status, reason, message string) {
	var deadline *deadlineError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errStopped):
		return stopped, "StateManager", "Run is stopped"
	case errors.As(cause, &deadline):
		return failed, "DeadlineExceeded", deadline.Error()
	case ctx.Err() != nil:
		return stopped, "SandboxStopped", "The sandbox was stopped."
	}
	var ended *exitError
	var start *container.StartError
	var lost *LostImageError
	var full *disk.FullError
	err = disk.Explain("the sandbox's directory", err)
	switch {
	case errors.As(err, &ended):
		return failed, ended.reason(), err.Error()
	case errors.As(err, &full):
		return failed, "DiskFull", err.Error()
	case errors.As(err, &lost):
		return failed, "ErrImagePull", err.Error()
	case errors.As(err, &start):
		return failed, start.Reason, err.Error()
	}
	return failed, "CreateContainerError", err.Error()
}

type deadlineError struct{ limit time.Duration }

func (e *deadlineError) Error() string {
	return fmt.Sprintf("Job was active longer than specified deadline (%s)", e.limit)
}

// exitError reports that a container failed.
type exitError struct {
	container string
	exit      container.Exit
}

func (e *exitError) Error() string {
	switch {
	case e.exit.OOM:
		return fmt.Sprintf("Job has failed: container %s was killed: out of memory (OOMKilled, exit code %d)", e.container, e.exit.Code)
	case e.exit.Signal != "":
		return fmt.Sprintf("Job has failed: container %s was terminated by %s (exit code %d)", e.container, e.exit.Signal, e.exit.Code)
	}
	return fmt.Sprintf("Job has failed: container %s exited with code %d", e.container, e.exit.Code)
}

func (e *exitError) reason() string {
	if e.exit.OOM {
		return "OOMKilled"
	}
	return "Error"
}

// setStatus sets a status that is not final.
func (e *executor) setStatus(uuid, status, reason, message string) {
	if err := e.store.report(uuid, status, reason, message); err != nil {
		fmt.Fprintf(e.options.Log, "run %s: its status %s cannot be stored: %v\n", uuid, status, err)
	}
}

// dir returns a path in the sandbox's directory. Paths below artifacts, volumes,
// host-paths and containers must only be opened through package jail, because containers
// can write there.
func (e *executor) dir(parts ...string) string {
	return filepath.Join(append([]string{e.options.Dir}, parts...)...)
}

// runAttempts is like attempts, but turns a panic into the end of the run.
func (e *executor) runAttempts(ctx context.Context, x *execution, uuid string, o *compile.Pod) (status, reason, message string) {
	if err := panics.Catch("run "+uuid, func() error {
		status, reason, message = e.attempts(ctx, x, uuid, o)
		return nil
	}); err != nil {
		return failed, "SandboxFault", err.Error()
	}
	return status, reason, message
}
