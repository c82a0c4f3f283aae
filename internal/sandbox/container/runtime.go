// Package container unpacks OCI images and runs processes in them, as what runs
// slipway: no root's rights, no daemon of its own, no cgo.
//
// On Linux a container is a process in user, mount, PID, IPC and UTS namespaces
// of its own, with its image as the root by pivot_root. The program that uses
// this package starts itself a second time as the container's init: [IsInit]
// recognises that, [Init] builds the container from inside and becomes the
// image's command. All processes of a container end when its first one does, and
// when the program that started it is gone, however it ended.
//
// Where namespaces are not to be had (another system, or a Linux that forbids
// them) a static binary runs straight from its unpacked tree, with the paths that
// it is given rewritten to where they are on the machine. [Runtime.Isolation]
// says which of the two it is, and why.
package container

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Options say where a Runtime keeps its files and how it reaches the world.
type Options struct {
	// Dir holds the unpacked images, in images/, and their layers, in layers/.
	Dir string
	// Keep is how many bytes of layers are kept for images that no container runs
	// in; 10 GiB when zero.
	Keep int64
	// Self is the argv that starts this program so that its main function comes to
	// IsInit. It is not used where nothing is isolated.
	Self []string
	// Pull gives the image of a reference, for this machine's platform.
	Pull func(ctx context.Context, reference string) (v1.Image, error)
	// Unisolated, when it is not empty, is a reason not to isolate anything, and
	// what Isolation answers.
	Unisolated string
}

// Runtime runs containers. It is safe for concurrent use.
type Runtime struct {
	options Options

	probing sync.Mutex
	probed  *isolation // nil until found out

	using sync.Mutex
	inUse map[string]int // containers, by the image that they run in
}

// isolation is what the machine allows.
type isolation struct {
	ok bool
	// why not, for humans, in one line.
	why string
	// remedy is what the user can do to get it.
	remedy string
	// copies tells that overlays are refused, so that each container gets a copy of
	// its image.
	copies bool
}

// New gives a Runtime. It does nothing yet.
func New(o Options) *Runtime { return &Runtime{options: o} }

// Platform gives the platform that images must be for, such as linux/amd64.
func (r *Runtime) Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Isolation tells whether containers are isolated from the machine, and in one
// line why they are not. It finds out once, by really building a container around
// nothing; it must run in a program whose main function heeds IsInit.
func (r *Runtime) Isolation(ctx context.Context) (ok bool, why string) {
	i := r.isolation(ctx)
	return i.ok, i.why
}

func (r *Runtime) isolation(ctx context.Context) isolation {
	if r.options.Unisolated != "" {
		return isolation{why: r.options.Unisolated}
	}
	r.probing.Lock()
	defer r.probing.Unlock()
	if r.probed == nil {
		found := r.probe(ctx)
		if ctx.Err() != nil { // cut short, so nothing is known yet
			return found
		}
		r.probed = &found
	}
	return *r.probed
}

// Start runs a container and returns once its command is executing. Cancelling
// ctx kills the container at any time. The error is a *StartError where the
// command or the container is at fault, a *NotIsolatedError where the image needs
// an isolation that this machine does not allow.
func (r *Runtime) Start(ctx context.Context, s Spec) (*Process, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	i := r.isolation(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	start := r.startDirectly
	if i.ok {
		start = r.startIsolated
	}
	if s.Memory > 0 {
		s.bound, _ = newMemoryGroup(cgroups, "/proc/self/cgroup", s.Memory) // it is watched else
	}
	p, err := start(ctx, s, i)
	if err != nil {
		s.bound.remove()
	}
	// What is not isolated executes before it is in the group.
	if err == nil && s.Memory > 0 && !(i.ok && s.bound.holds()) {
		panics.Go(func() { p.watchMemory(s.Memory) }, func(error) { p.kill() }) // what is not watched does not run
	}
	return p, err
}

// EnforcesMemory tells whether Spec.Memory is heeded on this system.
func EnforcesMemory() bool { return enforcesMemory }
