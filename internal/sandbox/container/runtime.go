// Package container unpacks OCI images and runs processes in them with the permissions of
// the user who runs slipway: without root, without a daemon of its own, and without cgo.
//
// On Linux a container is a process in user, mount, PID, IPC and UTS namespaces of its
// own, with its image as the root by pivot_root. The program that uses this package
// starts itself a second time as the container's init: [IsInit] recognises that, and
// [Init] builds the container from inside and becomes the image's command. All processes
// of a container end when its first one does, and when the program that started it ends
// for any reason.
//
// Where namespaces are not available (on another system, or on a Linux that forbids them)
// a static binary runs directly from its unpacked tree. Paths in its arguments and
// environment are rewritten to where they are on the machine. [Runtime.Isolation] reports
// which of the two applies, and why.
package container

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/panics"
)

// Options configure a Runtime.
type Options struct {
	// Dir holds the unpacked images, in images/, and their layers, in layers/.
	Dir string
	// Keep is how many bytes of layers are kept for images that no container runs in.
	// Zero means 10 GiB.
	Keep int64
	// Self is the argv that starts this program so that its main function calls IsInit.
	// It is not used if containers are not isolated.
	Self []string
	// Pull returns the image of a reference, for this machine's platform.
	Pull func(ctx context.Context, reference string) (v1.Image, error)
	// Unisolated, if not empty, turns isolation off. It is the reason that Isolation
	// returns.
	Unisolated string
}

// Runtime runs containers. It is safe for concurrent use.
type Runtime struct {
	options Options

	probing sync.Mutex
	probed  *isolation // nil until known

	using sync.Mutex
	inUse map[string]int // number of containers by image
}

// isolation is what the machine allows.
type isolation struct {
	ok bool
	// why says, in one line for users, why containers are not isolated.
	why string
	// remedy says what the user can do to allow isolation.
	remedy string
	// copies reports whether overlays are refused, so that each container gets a copy of
	// its image.
	copies bool
}

// New returns a Runtime. It does not touch the disk.
func New(o Options) *Runtime { return &Runtime{options: o} }

// Platform returns the platform that images must be for, such as linux/amd64.
func (r *Runtime) Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Isolation reports whether containers are isolated from the machine, and in one line why
// they are not. The first call finds out by building a container that executes nothing.
// The main function of the program must call IsInit. If ctx is cancelled during that, the
// result is not kept.
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
		if ctx.Err() != nil { // interrupted, so nothing is known yet
			return found
		}
		r.probed = &found
	}
	return *r.probed
}

// Start runs a container and returns once its command executes. Cancelling ctx kills the
// container at any time. The error is a *StartError if the command or the container is at
// fault, and a *NotIsolatedError if the image needs an isolation that this machine does
// not allow.
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
		s.memoryGroup, _ = newMemoryGroup(cgroups, "/proc/self/cgroup", s.Memory) // or else it is watched
	}
	p, err := start(ctx, s, i)
	if err != nil {
		s.memoryGroup.remove()
	}
	// A program that is not isolated executes before it joins the group.
	if err == nil && s.Memory > 0 && !(i.ok && s.memoryGroup.holds()) {
		panics.Go(func() { p.watchMemory(s.Memory) }, func(error) { p.kill() }) // it must not run unwatched
	}
	return p, err
}

// EnforcesMemory reports whether Spec.Memory is enforced on this system.
func EnforcesMemory() bool { return enforcesMemory }
