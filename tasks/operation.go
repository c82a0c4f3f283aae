package tasks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/report"
	"github.com/slipway-ci/slipway/internal/source"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// unbuiltImage stands for an image's reference while it is not known yet.
const unbuiltImage = "slipway.invalid/not-built@sha256:0000000000000000000000000000000000000000000000000000000000000000"

// polyaxonfile reads the Polyaxonfile or the component that a job names.
func (p *project) polyaxonfile(j *config.Job) (*polyaxonfile.File, error) {
	if j.Component != "" {
		text, err := components.Read(j.Component)
		if err != nil {
			at := p.config.At(section(j), j.Name, "component")
			e := source.Errorf(at, "no component is called %s", j.Component)
			if near, ok := source.Nearest(j.Component, components.Names()); ok {
				e.Hint = "did you mean " + near + "?"
			} else {
				e.Hint = "there are " + strings.Join(components.Names(), ", ")
			}
			return nil, e
		}
		return polyaxonfile.Parse("component "+j.Component, text)
	}
	file, err := polyaxonfile.Read(p.file(j.Polyaxonfile))
	return file, located(p.config.At(section(j), j.Name, "polyaxonfile"), err)
}

// section is where in slipway.yaml a job stands.
func section(j *config.Job) string {
	if j.Service {
		return "services"
	}
	return "jobs"
}

// check gives the problems of a job's Polyaxonfile, as that version of Polyaxon
// would see it.
func check(f *polyaxonfile.File, version string) []report.Problem {
	var problems []report.Problem
	for _, found := range f.Check(version) {
		problems = append(problems, report.Problem{
			Position: found.Position, Severity: string(found.Severity), Name: found.Name, Message: found.Message, Hint: found.Hint,
		})
	}
	return problems
}

// operation renders what is sent to Polyaxon for a job. image is the reference,
// by digest, of its image.
func (p *project) operation(j *config.Job, image string) (*polyaxonfile.Operation, error) {
	file, err := p.polyaxonfile(j)
	if err != nil {
		return nil, err
	}
	fill := polyaxonfile.Fill{
		Name: j.Name, Params: j.Params, GPU: j.GPU, Timeout: j.Timeout, Image: image,
		ParamsAt: func(name string) source.Position { return p.config.At(section(j), j.Name, "params", name) },
	}
	for _, path := range j.Presets {
		preset, err := polyaxonfile.Read(p.file(path))
		if err != nil {
			return nil, located(p.config.At(section(j), j.Name, "presets"), err)
		}
		fill.Presets = append(fill.Presets, preset)
	}
	operation, err := file.Operation(fill)
	return operation, located(p.config.At(section(j), j.Name), err)
}

// checkJobs reads, checks and renders the Polyaxonfiles of jobs before anything
// is built or sent. Warnings become events; all errors come at once.
func (p *project) checkJobs(jobs []*config.Job, version string) error {
	var errs []error
	seen := map[string]bool{}
	for _, j := range jobs {
		image := ""
		if j.Image != "" {
			image = unbuiltImage
		}
		file, err := p.polyaxonfile(j)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		bad := false
		for _, problem := range check(file, version) {
			text := &source.Error{Position: problem.Position, Message: problem.Message, Hint: problem.Hint}
			if problem.Severity == "error" {
				bad = true
				errs = append(errs, text)
			} else if !seen[text.Error()] {
				seen[text.Error()] = true
				p.event(report.Warning, "check", j.Name, text.Error())
			}
		}
		if bad {
			continue
		}
		if _, err := p.operation(j, image); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// key is a job's deploy key: the same project, job, operation, image (by digest,
// wherever it is pulled from) and upstream runs give the same key, on any
// machine.
func (p *project) key(j *config.Job, operation *polyaxonfile.Operation, reference string, upstream []string) string {
	content := string(operation.JSON())
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		content = strings.ReplaceAll(content, reference, digest)
	}
	h := sha256.New()
	for _, part := range append([]string{"slipway/1", p.config.Project, j.Name, content}, upstream...) {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return "t-" + hex.EncodeToString(h.Sum(nil))[:40]
}
