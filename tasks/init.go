package tasks

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// InitOptions are the options of Init. A question that they do not answer is asked.
type InitOptions struct {
	// Yes takes the default of each question.
	Yes bool `flag:"yes" short:"y" help:"ask nothing: take the default of each question"`
	// DryRun writes nothing, and returns the files whole.
	DryRun bool `flag:"dry-run" help:"write nothing, and print the files whole"`
	// Project is the name of the project.
	Project string `flag:"project" value:"NAME" help:"the NAME of the project"`
	// Program is the path of the program of the first job.
	Program string `flag:"program" value:"FILE" help:"run this FILE in the first job"`
	// Base is the base image with Python.
	Base string `flag:"base" value:"IMAGE" help:"put the packages on this base IMAGE, which has Python"`
	// Lock says who makes a lock where there is none: uv or none.
	Lock string `flag:"lock" value:"HOW" oneof:"uv,none" help:"make a lock where there is none, by HOW: uv or none"`
	// CI says whose workflow is written: github, gitlab or none.
	CI string `flag:"ci" value:"KIND" oneof:"github,gitlab,none" help:"write the workflow of this KIND: github, gitlab or none"`
}

// Init looks at the repository in env.Dir and writes a slipway.yaml, with what else it needs,
// that fits it. It never overwrites a file: with a slipway.yaml it changes nothing. Without
// env.Ask and o.Yes it only plans, and returns an *exit.UsageError.
func Init(ctx context.Context, env *Env, o InitOptions) (*Result, error) {
	opened, err := env.project()
	if err != nil {
		return nil, err
	}
	result := opened.Result("init")
	dir := cmp.Or(opened.Dir, ".")
	if env.File != "" {
		return result, exit.Usagef("init writes %s into a directory: use -C DIR instead of -f", config.FileName)
	}
	if there := filepath.Join(dir, config.FileName); exists(there) {
		result.Init = &report.Init{Next: []string{"slipway check", "slipway plan"}}
		opened.Note(project.DisplayPath(there) + " is there already: nothing is changed")
		return result, nil
	}
	if err := checkDirectory(opened, dir); err != nil {
		return result, err
	}
	plan, err := planFiles(ctx, env, opened, dir, o)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Init = &report.Init{Found: plan.Found}
	for _, f := range plan.Found {
		opened.Event(report.Done, "found", f.Position.String(), f.What)
	}
	for _, text := range plan.Warnings {
		opened.Event(report.Warning, "", "", text)
	}
	if o.DryRun || env.Ask == nil && !o.Yes {
		listFiles(result.Init, plan, false)
		if !o.DryRun {
			return result, exit.Usagef("nothing is written, because there is no terminal to ask on: slipway init --yes writes these files")
		}
		result.Init.Next = plan.Next
		return result, nil
	}
	if agreed, err := agree(ctx, env, opened, plan, o); err != nil || !agreed {
		return result, exit.IfInterrupted(ctx, err)
	}
	if err := plan.MakeLocks(ctx, opened.Environ); err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if err := plan.Write(); err != nil {
		return result, err
	}
	listFiles(result.Init, plan, true)
	result.Init.Next = plan.Next
	inside := *env
	inside.Dir = plan.Repository.Dir
	checked, err := Check(ctx, &inside, CheckOptions{})
	if checked != nil {
		result.Problems = checked.Problems
	}
	if err != nil { // what was there before may have mistakes: the files are written all the same
		opened.Event(report.Warning, "check", "", err.Error())
	}
	return result, exit.IfInterrupted(ctx, ctx.Err())
}

// agree shows which files would be written, and reports whether the user wants that.
func agree(ctx context.Context, env *Env, opened *project.Env, plan *scaffold.Plan, o InitOptions) (bool, error) {
	if o.Yes {
		return true, nil
	}
	for _, f := range plan.Files {
		opened.Note("will write " + f.Path + ": " + f.Reason)
	}
	answer, err := env.Ask(ctx, report.Question{Flag: "yes", Text: "Write " + printer.Count(len(plan.Files), "file") + "? (yes or no)", Default: "yes", Options: []string{"yes", "no"}})
	if err != nil || answer == "no" {
		opened.Note("nothing is written")
		return false, err
	}
	return true, nil
}
