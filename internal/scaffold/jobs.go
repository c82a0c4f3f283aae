package scaffold

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/survey"
)

// entry is a job or a service of slipway.yaml.
type entry struct {
	name string
	// unsure says that image is a guess, and why, or is "".
	unsure string
	// file is its Polyaxonfile. If it is "", component is the component that it uses.
	file, component, image string
	at                     source.Position
	params                 []param
	after                  []string
	// gpu is where its Polyaxonfile asks for GPUs, and oldGPU where that of 0.x did, whose
	// component does not ask.
	gpu, oldGPU, matrix source.Position
	// not is why it is written as a comment only, or "".
	not string
}

// param is a param, with its value as YAML.
type param struct {
	name, value, comment string
}

// choosePolyaxonfiles makes jobs and services of the Polyaxonfiles of the repository.
func (p *Plan) choosePolyaxonfiles() {
	for _, f := range p.Repository.Polyaxonfiles {
		if f.Old {
			p.found(f.At, "a file for Polyaxon 0.x, which later releases do not read")
			continue
		}
		e := entry{name: p.unused(f.Name), file: f.Path(), at: f.At}
		if f.Invalid != "" {
			e.not = f.Invalid
			p.warn("%s: %s; add its job when it is mended", f.At, f.Invalid)
		}
		if f.TakesImage {
			e.image, e.unsure = p.imageFor(f)
		}
		switch {
		case e.not != "":
		case f.TakesImage && e.image == "":
			e.not = "no image for it was found"
		case f.Kind == "dag":
			e.not = "the sandbox runs no dags; a job of slipway.yaml for each of its operations, with after, does the same"
		case f.Schedule.File != "":
			e.not = "the sandbox runs no schedules: " + f.Schedule.String() + "; without this key it is a job, which a workflow's schedule runs"
		case f.Joins.File != "":
			e.not = "the sandbox makes no joins: " + f.Joins.String() + "; give its params values, such as the outputs of a job in after"
		case f.Matrix.Text == "grid" || f.Matrix.Text == "mapping" || f.Matrix.Text == "random":
			e.matrix = f.Matrix.At
		case f.Matrix.Text != "":
			e.not = "the sandbox makes no runs of a matrix of kind " + f.Matrix.Text
		}
		e.gpu = f.GPU
		for _, input := range f.Needs {
			e.params = append(e.params, p.value(f, input))
		}
		p.found(f.At, "a Polyaxonfile, for %s", e.name)
		for _, s := range f.Secrets {
			if !slices.ContainsFunc(p.secrets, func(v survey.Value) bool { return v.Text == s.Text }) {
				p.secrets = append(p.secrets, s)
			}
		}
		if f.Kind == "service" {
			p.services = append(p.services, e)
		} else {
			p.jobs = append(p.jobs, e)
		}
	}
}

// unused returns a name that no other job or service has.
func (p *Plan) unused(name string) string {
	wanted := name
	for n := 2; slices.ContainsFunc(slices.Concat(p.jobs, p.services), func(e entry) bool { return e.name == wanted }); n++ {
		wanted = fmt.Sprintf("%s-%d", name, n)
	}
	return wanted
}

// imageFor returns the image that a Polyaxonfile is for: what CI builds under the name that
// it has, the one of the nearest name, or the first one. unsure says why it is the first one.
func (p *Plan) imageFor(f survey.Polyaxonfile) (name, unsure string) {
	if len(p.images) == 0 {
		return "", ""
	}
	repository, _, _ := strings.Cut(strings.TrimPrefix(f.Image.Text, "docker.io/"), "@")
	base := path.Base(repository)
	base, _, _ = strings.Cut(base, ":")
	for _, b := range p.Repository.CI.Builds {
		if base != "." && path.Base(b.Image) == base {
			for _, i := range p.images {
				if i.dockerfile != nil && i.dockerfile.Path() == b.Dockerfile {
					return i.name, ""
				}
			}
		}
	}
	best, most := p.images[0].name, 0
	for _, i := range p.images {
		for _, name := range []string{base, f.Name} {
			if n := alike(i.name, name); n > most {
				best, most = i.name, n
			}
		}
	}
	if most == 0 && len(p.images) > 1 {
		unsure = "a guess: no Dockerfile has a name like " + f.Name
		if f.Image.Text != "" {
			unsure = "a guess: no Dockerfile has a name like " + f.Image.Text + ", " + f.Image.At.String()
		}
	}
	return best, unsure
}

// alike returns how many letters the beginnings of the words of two names have in common,
// counting those from four on.
func alike(a, b string) int {
	most := 0
	split := func(c rune) bool { return c == '-' || c == '_' || c == '.' }
	for _, x := range strings.FieldsFunc(a, split) {
		for _, y := range strings.FieldsFunc(b, split) {
			n := 0
			for n < len(x) && n < len(y) && x[n] == y[n] {
				n++
			}
			if n >= 4 || n == len(x) && n == len(y) {
				most = max(most, n)
			}
		}
	}
	return most
}

// value returns the param of an input that has no value: what CI gives it, a secret, or a
// placeholder of its type.
func (p *Plan) value(f survey.Polyaxonfile, input survey.Input) param {
	upper := strings.ToUpper(input.Name)
	for _, word := range []string{"PASSWORD", "TOKEN", "SECRET", "API_KEY"} {
		if strings.Contains(upper, word) && variableName.MatchString(upper) { // also if CI gives it in plain text
			return param{input.Name, quoted("secret:env:" + upper), input.At.String()}
		}
	}
	for _, run := range p.Repository.CI.Runs {
		if given, ok := run.Params[input.Name]; ok && run.Polyaxonfile == f.Path() && !strings.Contains(given, "$") {
			return param{input.Name, scalar(given, input.Type), run.At.String()}
		}
	}
	p.warn("%s: %s of %s has no value: put the right one into slipway.yaml", input.At, input.Name, f.Name)
	value, ok := map[string]string{"int": "1", "float": "0.1", "bool": "false", "list": "[]", "dict": "{}"}[input.Type]
	if !ok {
		value = "CHANGE-ME"
	}
	return param{input.Name, value, "put the value here: " + input.At.String()}
}

// order makes jobs come after those that make their data.
func (p *Plan) order() {
	first := func(words ...string) string {
		best := ""
		for _, j := range p.jobs {
			for _, w := range words {
				if j.not == "" && strings.Contains(j.name, w) && (best == "" || len(j.name) < len(best)) {
					best = j.name
				}
			}
		}
		return best
	}
	data, train := first("process", "prep", "data"), first("train", "fit")
	for n := range p.jobs {
		j := &p.jobs[n]
		switch {
		case j.name == data:
		case data != "" && (strings.Contains(j.name, "train") || strings.Contains(j.name, "tun") || strings.Contains(j.name, "fit")):
			j.after = []string{data}
		case train != "" && j.name != train && (strings.Contains(j.name, "infer") || strings.Contains(j.name, "predict") || strings.Contains(j.name, "eval") || strings.Contains(j.name, "score")):
			j.after = []string{train}
		}
	}
	stage := func(e entry) int { // files list jobs as they run
		switch {
		case e.name == data:
			return 0
		case slices.Contains(e.after, train):
			return 2
		}
		return 1
	}
	slices.SortStableFunc(p.jobs, func(a, b entry) int { return cmp.Compare(stage(a), stage(b)) })
}
