package tasks

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestInterruptedChange interrupts commands that change a run. The error must say what is
// not known, because the server may have received the request.
func TestInterruptedChange(t *testing.T) {
	host := sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))
	env, _, _ := serving(t, "polyaxon: {host: '"+host+"'}", unreachable)
	up, err := Up(t.Context(), env, UpOptions{Service: "api"})
	if err != nil {
		t.Fatal(err)
	}
	uuid := up.Jobs[0].UUID
	for command, test := range map[string]struct {
		do   func(context.Context) (*report.Result, error)
		want string
	}{
		"restart": {func(ctx context.Context) (*report.Result, error) { return Restart(ctx, env, RunOptions{Run: uuid}) }, "whether the new run was created is unknown"},
		"stop":    {func(ctx context.Context) (*report.Result, error) { return Stop(ctx, env, RunOptions{Run: uuid}) }, "whether run " + uuid + " was stopped is unknown"},
		"down":    {func(ctx context.Context) (*report.Result, error) { return Down(ctx, env, DownOptions{Service: "api"}) }, "service api may still run; check it with slipway runs --services, and stop it with slipway down api"},
	} {
		t.Run(command, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			env.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && strings.Contains(r.URL.Path, uuid) {
					cancel()
					return nil, ctx.Err()
				}
				return http.DefaultTransport.RoundTrip(r)
			})
			_, err := test.do(ctx)
			if interrupted := new(InterruptedError); !errors.As(err, &interrupted) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
	env.Transport = http.DefaultTransport
	if _, err := Down(t.Context(), env, DownOptions{Service: "api"}); err != nil {
		t.Error(err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
