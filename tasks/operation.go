package tasks

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/report"
)

// unbuiltImage stands for an image's reference while it is not known yet.
const unbuiltImage = "slipway.invalid/not-built@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// polyaxonfile reads the Polyaxonfile or the component that a job names.
func (p *project) polyaxonfile(ctx context.Context, j *config.Job) (*file.File, error) {
	if j.Component != "" {
		text, err := components.Read(j.Component)
		if err != nil {
			at := p.config.At(section(j), j.Name, "component")
			return nil, noComponent(at, j.Component)
		}
		return check.Parse("component "+j.Component, text)
	}
	file, err := check.Read(ctx, p.reader(), p.file(j.Polyaxonfile))
	if err != nil {
		if absent := p.absent(j); absent != nil {
			return nil, absent
		}
	}
	return file, located(p.config.At(section(j), j.Name, "polyaxonfile"), err)
}

// reader reads Polyaxonfiles, and what they refer to over the network. A command
// reads each once: what it checked is what it plans, what the key is made of, and what
// it sends, hours later too.
func (p *project) reader() file.Reader {
	reader := file.Reader{Transport: p.public, Root: p.config.Dir, Held: p.held}
	if repository := p.config.Repository(); repository != "" {
		reader.Root = repository
	}
	if p.config.References != nil {
		reader.Hosts = p.config.References.Hosts
	}
	return reader
}

// section is where in slipway.yaml a job stands.
func section(j *config.Job) string {
	if j.Service {
		return "services"
	}
	return "jobs"
}

// operation renders what is sent to Polyaxon for a job. image is the reference,
// by digest, of its image.
func (p *project) operation(ctx context.Context, j *config.Job, image string) (*operation.Operation, error) {
	file, err := p.polyaxonfile(ctx, j)
	if err != nil {
		return nil, err
	}
	with, err := p.fill(ctx, j, image)
	if err != nil {
		return nil, err
	}
	operation, err := fill.Operation(file, with)
	return operation, located(p.config.At(section(j), j.Name), err)
}

// checkJobs reads, checks and renders the Polyaxonfiles of jobs before anything
// is built or sent. Warnings become events; all errors come at once.
func (p *project) checkJobs(ctx context.Context, jobs []*config.Job) error {
	c := &checker{Env: p.Env, project: p}
	var err error
	if c.versions, c.guessed, err = c.versionsHere(ctx); err != nil {
		return err
	}
	var errs []error
	seen := map[string]bool{}
	for _, j := range jobs {
		t := target{component: j.Component, jobs: []*config.Job{j}}
		if j.Component == "" {
			t.path = p.file(j.Polyaxonfile)
		}
		problems, err := c.check(ctx, t)
		errs = append(errs, err)
		for _, problem := range problems {
			told := &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint}
			if problem.Severity == string(file.SeverityError) {
				errs = append(errs, told)
			} else if !seen[told.Error()] {
				seen[told.Error()] = true
				p.event(report.Warning, "check", j.Name, told.Error())
			}
		}
		if errors.Join(errs...) == nil {
			errs = append(errs, p.checkQuantities(ctx, j))
		}
	}
	return errors.Join(errs...)
}

// absent is the error for the files that a job names and that are not there, at their
// places in slipway.yaml.
func (p *project) absent(j *config.Job) error {
	var errs []error
	look := func(name string, at ...string) {
		if _, err := os.Stat(p.file(name)); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, &source.Error{
				Position: p.config.At(append([]string{section(j), j.Name}, at...)...),
				Message:  "there is no " + name, Hint: "paths are relative to the directory of slipway.yaml",
			})
		}
	}
	if j.Polyaxonfile != "" {
		look(j.Polyaxonfile, "polyaxonfile")
	}
	for i, preset := range j.Presets {
		look(preset, "presets", strconv.Itoa(i))
	}
	return errors.Join(errs...)
}
