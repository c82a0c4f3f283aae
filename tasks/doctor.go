package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-ci/slipway/internal/doctor"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// DefaultDoctorTimeout is how long Doctor waits for each system by default.
const DefaultDoctorTimeout = 2 * time.Second

// DoctorOptions are the options of Doctor.
type DoctorOptions struct {
	// Timeout is how long to wait for each system. They are all asked at the same time. Zero
	// means DefaultDoctorTimeout.
	Timeout time.Duration `flag:"timeout" default:"2s" help:"wait this long for each system; 0 stands for 2s"`
}

// errOnce is the error of a wait between two attempts: doctor sends each request once.
var errOnce = errors.New("requests are sent once")

// Doctor checks all that a deploy of this repository needs: each system that slipway.yaml
// names, the rights there, and this machine. It changes nothing, and does not start the
// sandbox. The error is a *ChecksError if a deploy would not work.
func Doctor(ctx context.Context, env *Env, o DoctorOptions) (*Result, error) {
	if o.Timeout < 0 {
		return nil, exit.Usagef("--timeout %s: the timeout must not be negative", o.Timeout)
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultDoctorTimeout
	}
	if err := env.check(); err != nil {
		return nil, err
	}
	once := *env
	once.Sleep = func(context.Context, time.Duration) error { return errOnce }
	p, err := once.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("doctor")
	result.Checks, err = doctor.Run(ctx, p, o.Timeout)
	return result, exit.IfInterrupted(ctx, err)
}
