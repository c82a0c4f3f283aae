package tasks

import (
	"context"
	"io"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/tasks/report"
)

// LogsOptions are the options of Logs.
type LogsOptions struct {
	// Run is as in RunOptions.
	Run string `arg:"RUN" complete:"run"`
	// Follow prints lines until the run has ended.
	Follow bool `flag:"follow" short:"f" help:"print lines until the run has ended"`
	// AllContainers prints the lines of init and sidecar containers too.
	AllContainers bool `flag:"all-containers" help:"print the lines of init and sidecar containers too"`
	// LastSucceeded selects the job's newest run that succeeded.
	LastSucceeded bool `flag:"last-succeeded" help:"take the job's newest run that succeeded"`
}

// Logs writes the lines of a run to env.Stdout.
func Logs(ctx context.Context, env *Env, o LogsOptions) (*Result, error) {
	return withRead(ctx, env, "logs", o.Run, o.LastSucceeded, func(to *platform.Platform, r *polyaxon.Run, _ *Result) error {
		sink := &lines{Env: to.Env, uuid: r.UUID, w: env.stdout(), origins: run.Origins{Containers: o.AllContainers}}
		options := to.FollowOptions(run.FollowOptions{Logs: true, AllContainers: o.AllContainers})
		var err error
		if !o.Follow && !r.Status.Terminal() {
			err = run.Logs(ctx, to.Polyaxon, to.RunTarget(r), options, sink)
		} else {
			_, err = run.Follow(ctx, to.Polyaxon, to.RunTarget(r), options, sink)
		}
		if err == nil && sink.count == 0 {
			to.Note("no lines: run " + r.UUID + " has not printed anything yet")
		}
		return err
	})
}

// lines is a sink that writes the lines of a run, with control sequences made harmless.
type lines struct {
	*project.Env
	// uuid is the id of the run.
	uuid    string
	w       io.Writer
	origins run.Origins
	// count is the number of lines written.
	count int
}

// Status implements run.Sink.
func (s *lines) Status(c polyaxon.Condition) {
	s.send(report.Event{Kind: report.Detail, Status: string(c.Type)})
}

// Line implements run.Sink. It ignores write errors: if the reader is gone, SIGPIPE or the
// context ends the command.
func (s *lines) Line(l polyaxon.LogLine) {
	s.count++
	_, _ = io.WriteString(s.w, s.origins.Before(&l)+logline.Sanitize(l.Value)+"\n")
}

// Waits implements run.Sink.
func (s *lines) Waits(why string) {
	s.send(report.Event{Kind: report.Status, Waits: true, Message: why})
}

// Progress implements run.Sink. Progress is not printed, because it does not stay.
func (s *lines) Progress(string) {}

// Note implements run.Sink.
func (s *lines) Note(text string) { s.send(report.Event{Kind: report.Note, Message: text}) }

// send reports an event of the run.
func (s *lines) send(e report.Event) {
	e.Step, e.Run = "run", s.uuid
	s.Report(e)
}
