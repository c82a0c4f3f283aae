package polyaxon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/sandbox/container"
	"github.com/slipway-ci/slipway/internal/sandbox/disk"
	"github.com/slipway-ci/slipway/internal/sandbox/jail"
	corev1 "k8s.io/api/core/v1"
)

const (
	// mainContainer runs the user's program.
	mainContainer = "polyaxon-main"
	// artifactsRoot is where a pod sees the artifacts of runs.
	artifactsRoot = "/plx-context/artifacts"
	// volumeMount is where the guide's clusters mount their persistent volume, and
	// volumeClaim is its claim. Every run sees the volume.
	volumeMount = "/polyaxon-v1-data"
	volumeClaim = "polyaxon-v1-data"
	// nodeName is the name of the only node.
	nodeName = "sandbox"
)

// catalog returns the connections of the sandbox: the persistent volume.
func catalog() map[string]compile.Connection {
	return map[string]compile.Connection{
		"fstore-pvc": {Name: "fstore-pvc", Kind: "volume_claim", Schema: map[string]any{"volumeClaim": volumeClaim, "mountPath": volumeMount}},
	}
}

// Connections returns the names of the sandbox's connections, sorted.
func Connections() []string {
	return slices.Sorted(maps.Keys(catalog()))
}

// podRun is one attempt at a run.
type podRun struct {
	*executor
	ctx  context.Context
	x    *execution
	run  record
	o    *compile.Pod
	name string
	log  *logWriter
	// scratch is deleted with the containers.
	scratch string
	// started counts the containers.
	started int
}

// makeOutputs creates a run's directory and the directory for its outputs. A retry finds
// what the previous attempt left there; if outputs is not a directory it is replaced.
func makeOutputs(dir string) error {
	artifacts, err := jail.Make(dir)
	if err != nil {
		return err
	}
	defer artifacts.Close()
	if is, err := artifacts.IsDir("outputs"); err == nil && is {
		return nil
	}
	if err := artifacts.Remove("outputs"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return artifacts.Mkdir("outputs")
}

// pod runs a run's containers: first the init containers, one after the other, then the
// sidecars beside the main container. The pod ends with the main container.
func (e *executor) pod(ctx context.Context, x *execution, uuid string, o *compile.Pod, attempt int) (err error) {
	r, _ := e.store.run(uuid)
	p := &podRun{executor: e, ctx: ctx, x: x, run: r, o: o, name: podName(uuid, attempt), scratch: e.dir("containers", uuid)}
	if !e.options.Owns() {
		return errors.New("the sandbox's directory was deleted")
	}
	if err := e.mayUse(ctx, &r, o); err != nil {
		return err
	}
	if err := makeOutputs(e.dir("artifacts", uuid)); err != nil {
		return err
	}
	if p.log, err = openLog(e.dir("logs", uuid, p.name+".jsonl"), p.name, e.options.Now); err != nil {
		return err
	}
	x.log.Store(p.log)
	defer func() {
		if lost := p.log.close(); err == nil && lost != nil {
			err = fmt.Errorf("store the log of the run: %w", lost)
		}
	}()
	defer func() { _ = container.Remove(p.scratch) }()
	for i, init := range o.Init {
		init.Name = initName(init, i)
		process, err := p.start(init, nil)
		if err != nil {
			return err
		}
		if err := p.wait(process, init.Name); err != nil {
			return err
		}
	}
	var sidecars []*container.Process
	defer func() {
		for i, sidecar := range sidecars {
			sidecar.Stop(time.Second)
			exit, _ := sidecar.Wait() // the run does not depend on how a sidecar ends
			p.ended(sidecarName(o.Sidecars[i], i), exit)
		}
	}()
	for i, sidecar := range o.Sidecars {
		sidecar.Name = sidecarName(sidecar, i)
		process, err := p.start(sidecar, nil)
		if err != nil {
			return err
		}
		sidecars = append(sidecars, process)
	}
	main := o.Container
	main.Name = mainContainer
	process, err := p.start(main, o.Ports)
	if err != nil {
		return err
	}
	if len(o.Ports) > 0 {
		if err := p.await(process, o.Ports); err != nil {
			return err
		}
		closeService, err := p.serve(process)
		if err != nil {
			process.Stop(0)
			_, _ = process.Wait() // it was stopped
			return err
		}
		defer closeService()
	}
	e.setStatus(uuid, running, "PodRunning", "Run is running")
	return p.wait(process, mainContainer)
}

func initName(c corev1.Container, i int) string {
	return cmp.Or(c.Name, fmt.Sprintf("init-%d", i))
}

func sidecarName(c corev1.Container, i int) string {
	return cmp.Or(c.Name, fmt.Sprintf("sidecar-%d", i))
}

// wait waits for a container's end. It stops the container when the run is stopped.
func (p *podRun) wait(process *container.Process, name string) error {
	select {
	case <-process.Done():
	case <-p.ctx.Done():
		process.Stop(grace)
	}
	exit, err := process.Wait()
	p.log.flush(name)
	p.ended(name, exit)
	switch {
	case err != nil:
		return fmt.Errorf("run container %s: %w", name, err)
	case p.ctx.Err() != nil:
		return context.Cause(p.ctx)
	case exit.Code != 0 || exit.Signal != "":
		return &exitError{name, exit}
	}
	return nil
}

// start pulls an image and starts a container in it. Like a kubelet it retries a failed
// pull.
func (p *podRun) start(c corev1.Container, ports []int) (*container.Process, error) {
	image, err := p.pull(c)
	if err != nil {
		return nil, err
	}
	env, err := p.environment(c)
	if err != nil {
		return nil, err
	}
	mounts, err := p.mounts(c)
	if err != nil {
		return nil, err
	}
	p.started++
	dir := filepath.Join(p.scratch, "pod", strconv.Itoa(p.started)) // a name may be any text
	if err := disk.Mkdir(dir); err != nil {
		return nil, err
	}
	// The process gets the executor's context, because the end of the run's own context
	// sends the process a signal first.
	process, err := p.options.Runtime.Start(p.executor.ctx, container.Spec{
		Name: p.name, Image: image, Command: expandAll(c.Command, env), Args: expandAll(c.Args, env), Env: env.list(), WorkingDir: c.WorkingDir,
		Memory: c.Resources.Limits.Memory().Value(), Mounts: mounts, Ports: ports, Stdout: p.log.stream(c.Name), Stderr: p.log.stream(c.Name), Dir: dir,
	})
	if err == nil {
		p.began(c.Name)
	}
	return process, err
}
