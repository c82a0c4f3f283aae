package cli

import (
	"io"
	"net/http"
	"os"
	"time"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/tasks"
)

// Env returns an Env for this process, for functions that do not return a Result.
func (a *App) Env() *tasks.Env {
	env, _ := a.env()
	return env
}

// env returns an Env for this process, and the workflow that its events go to, nil outside
// of GitHub Actions.
func (a *App) env() (*tasks.Env, *workflow) {
	to := a.open()
	sink := a.sink()
	var lines io.Writer = to.out
	if a.Output == "json" {
		lines = to.err // standard output must be one JSON object
	}
	env := &tasks.Env{
		Dir: a.Dir, File: a.File, Environment: a.Environment, Secrets: to.secrets,
		Stdout: lines, Content: to.content(lines), Lookup: os.LookupEnv, Environ: os.Environ(), Now: time.Now,
		Transport: http.DefaultTransport, Self: command(a.Self), Plugin: command(a.Plugin), Version: Version(), NoAttestations: a.NoAttestations,
	}
	if name, err := os.Hostname(); err == nil {
		env.Machine = name
	}
	env.Ask = a.asker()
	var inWorkflow *workflow
	if commands, ok := actions.New(to.err, to.secrets.Mask, os.LookupEnv); ok {
		inWorkflow = newWorkflow(commands, to, sink, env.Now)
		sink = inWorkflow
	}
	if os.Getenv("GITLAB_CI") == "true" && inWorkflow == nil {
		a.sections = newSections(to.err, sink, env.Now)
		sink = a.sections
	}
	env.Events = sink
	return env, inWorkflow
}

// command returns the command line of this program with arguments, nil without.
func command(arguments []string) []string {
	if len(arguments) == 0 {
		return nil
	}
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	return append([]string{executable}, arguments...)
}
