package tasks

import (
	"context"
	"fmt"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// RegistryPassword returns the password of the user slipway at the sandbox's registry. It
// starts the sandbox if it does not run. The output is not masked.
func RegistryPassword(ctx context.Context, env *Env) (*Result, error) {
	p, err := env.unmasked().open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("registry password")
	if p.Config.Registry != "" {
		return result, exit.Usagef("the password is that of the sandbox's registry, and slipway.yaml has the registry %s: log in there as its provider says", p.Config.Registry)
	}
	to, err := platform.Connect(ctx, p, platform.Uses{Images: true})
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Text = fmt.Sprintf("%s\n", to.Sandbox.RegistryToken.Reveal())
	return result, nil
}
