//go:build !linux

package container

import (
	"context"
	"errors"
	"runtime"
)

// IsInit reports whether this process was started to become a container, which happens
// only on Linux.
func IsInit(func(string) (string, bool)) bool { return false }

// Init returns an error: only on Linux can a process become a container.
func Init() error { return errors.New("containers have an init only on Linux") }

func (*Runtime) probe(context.Context) isolation {
	return isolation{why: "this system is " + runtime.GOOS + ", and only Linux has namespaces, so programs run without isolation"}
}

func (r *Runtime) startIsolated(ctx context.Context, s Spec, i isolation) (*Process, error) {
	return r.startDirectly(ctx, s, i)
}
