// Package scaffold plans the files that init writes into a repository, and writes them. What
// it writes works on the sandbox; what the cloud needs stands beside it in comments.
package scaffold

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// Options are answers that are given beforehand. Those that are "" are asked.
type Options struct {
	// Project is the project's name, Program the program of the first job, Base the base image
	// with Python, Lock who makes a lock (uv or none), and CI whose workflow is written
	// (github, gitlab or none).
	Project, Program, Base, Lock, CI string
}

// Ask returns the answer to a question.
type Ask func(context.Context, report.Question) (string, error)

// Defaults answers each question with its default.
func Defaults(_ context.Context, q report.Question) (string, error) { return q.Default, nil }

// Plan is the files to write for a repository.
type Plan struct {
	Repository *survey.Repository
	// Files are in the order in which they are written: slipway.yaml is the last one.
	Files []File
	// Found are the reasons, Warnings what does not fit, and Next the commands to type next.
	Found          []report.Found
	Warnings, Next []string

	project  survey.Value
	images   []image
	jobs     []entry
	services []entry
	secrets  []survey.Value
	// inWorkflow reports whether a workflow is written that deploys.
	inWorkflow bool
}

// File is a file to write.
type File struct {
	// Path has slashes and begins at the repository's root.
	Path, Text, Reason string
	// Append reports whether Text is added at the end of a file that is there.
	Append bool
	// Lock says how Text is made, or is nil.
	Lock *Lock
}

// New returns the plan for a repository. Questions that o does not answer go to ask. The
// error is an *exit.UsageError or a *source.Error if there is nothing to plan for.
func New(ctx context.Context, r *survey.Repository, o Options, ask Ask) (*Plan, error) {
	p := &Plan{Repository: r}
	if r.Truncated {
		p.warn("the repository is large: not all of its files were looked at")
	}
	if r.Empty() {
		return nil, &source.Error{Position: source.Position{File: r.Dir}, Message: "no Python program, list of packages, notebook, Dockerfile or Polyaxonfile found here",
			Hint: "run slipway init in your project's directory, or name it: slipway init -C DIR; a first project is a program such as train.py and a requirements.txt with a package on each line"}
	}
	if r.Broken != nil {
		return nil, r.Broken
	}
	if r.UnreadList != nil && len(r.Locks)+len(r.Requirements) == 0 {
		return nil, r.UnreadList
	}
	for _, wrong := range r.Unread {
		p.warn("%v", wrong)
	}
	c := &chooser{ctx: ctx, ask: ask}
	p.project = r.Project
	if name := c.text("project", "Name of the project", o.Project, r.Project.Text); name != r.Project.Text {
		p.project = survey.Value{Text: name}
	}
	if c.err == nil && survey.Slug(p.project.Text) != p.project.Text {
		return nil, exit.Usagef("--project %s: a project's name has lowercase letters, digits and dashes, at most 63", p.project.Text)
	}
	p.chooseImages(c, o)
	p.choosePolyaxonfiles()
	p.choosePrograms(c, o)
	p.order()
	p.workflow(c, o)
	if c.err != nil {
		return nil, c.err
	}
	p.ignore()
	p.file(config.FileName, p.render(), "says what to build and what to run")
	p.next()
	return p, nil
}

// file adds a file of the project.
func (p *Plan) file(name, text, reason string) {
	p.Files = append(p.Files, File{Path: path.Join(p.Repository.Prefix, name), Text: text, Reason: reason})
}

func (p *Plan) found(at source.Position, format string, args ...any) {
	p.Found = append(p.Found, report.Found{Position: at, What: fmt.Sprintf(format, args...)})
}

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// first adds a step that comes before the commands to type next.
func (p *Plan) first(step string) { p.Next = append(p.Next, step) }

// next sets the commands to type next.
func (p *Plan) next() {
	in := ""
	if p.Repository.Prefix != "." {
		in = " -C " + p.Repository.Prefix
		if !plainPath.MatchString(p.Repository.Prefix) {
			in = " -C DIR"
		}
	}
	runs := func(e entry) bool { return e.not == "" }
	job, service := slices.ContainsFunc(p.jobs, runs), slices.IndexFunc(p.services, runs)
	if len(p.images) > 0 || job { // without both, plan and deploy have nothing to do
		p.Next = append(p.Next, "slipway plan"+in+"      # what deploy would do; changes nothing")
	}
	if job {
		p.Next = append(p.Next, "slipway deploy"+in+"    # builds, runs and follows the jobs, on this machine")
	} else if service < 0 {
		p.Next = append(p.Next, "add a job to "+config.FileName+": every job has a Polyaxonfile, or a component that ships")
	}
	if service >= 0 {
		p.Next = append(p.Next, "slipway up "+p.services[service].name+in+"    # starts the service and prints its address")
	}
}

// chooser asks questions. After an error it asks no more.
type chooser struct {
	ctx context.Context
	ask Ask
	err error
}

// text returns the given answer or asks for one.
func (c *chooser) text(flag, text, given, otherwise string, options ...string) string {
	if c.err != nil {
		return otherwise
	}
	answer := given
	if answer == "" {
		answer, c.err = c.ask(c.ctx, report.Question{Flag: flag, Text: text, Default: otherwise, Options: options})
		if answer = strings.TrimSpace(answer); answer == "" {
			answer = otherwise
		}
	}
	if c.err == nil && len(options) > 0 && !slices.Contains(options, answer) {
		c.err = exit.Usagef("--%s %s: it must be %s", flag, answer, strings.Join(options, " or "))
	}
	return answer
}
