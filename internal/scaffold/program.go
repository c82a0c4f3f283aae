package scaffold

import (
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/survey"
	components "github.com/slipway-ci/slipway/polyaxon"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// choosePrograms makes jobs and services of the programs where no Polyaxonfile says what to
// run: with copies of components that ship.
func (p *Plan) choosePrograms(c *chooser, o Options) {
	r := p.Repository
	if len(p.images) == 0 {
		for _, f := range r.Polyaxonfiles {
			if f.Old {
				p.warnOld(f)
			}
		}
		return
	}
	if len(p.jobs)+len(p.services) > 0 && o.Program == "" {
		return
	}
	p.oldJobs()
	if o.Program != "" || !p.knowsPrograms() {
		p.oneProgram(c, o)
	}
	seen := map[string]bool{}
	for _, f := range r.Programs {
		if f.Component == "" || seen[f.Component] || o.Program != "" && !isService(f.Component) {
			continue
		}
		runs := func(v param) bool { return strings.Contains(v.value, f.Path()) }
		if slices.ContainsFunc(p.jobs, func(e entry) bool { return e.name == f.Component || slices.ContainsFunc(e.params, runs) }) {
			continue
		}
		seen[f.Component] = true
		p.found(f.At, "a program for the component %s", f.Component)
		switch f.Component {
		case "rest-api":
			module := strings.ReplaceAll(strings.TrimSuffix(f.Path(), ".py"), "/", ".")
			if f.Module != "" {
				module = f.Module
			}
			p.service("api", f.Component, f.At, param{"COMMAND", flow("uvicorn", module+":"+f.App, "--host=0.0.0.0", "--port=8000"), f.At.String()})
		case "streamlit":
			p.service("streamlit", f.Component, f.At, param{"APP", quoted(f.Path()), f.At.String()})
		default:
			p.job(f.Component, f.Component, f.At, command(f))
		}
	}
	if len(r.Notebooks) > 0 && len(p.services) == 0 {
		at := source.Position{File: r.Notebooks[0]}
		p.service("lab", "jupyter", at)
		if r.Jupyter || p.images[0].dockerfile != nil {
			p.services[0].unsure = "jupyterlab must be among its packages"
			p.found(at, "a notebook: the service jupyter runs JupyterLab, which must be among the packages")
		} else {
			p.services[0].not = "JupyterLab, which it runs, is not among the packages: add jupyterlab"
			p.warn("%s: a notebook, but jupyterlab is not among the packages: the service lab is written as a comment", at)
		}
		for _, name := range r.Notebooks {
			p.pack(survey.Program{At: source.Position{File: name}})
		}
	}
}

func isService(component string) bool { return component == "rest-api" || component == "streamlit" }

// knowsPrograms reports whether there is a job to run without asking, or no program for one.
func (p *Plan) knowsPrograms() bool {
	job := func(f survey.Program) bool { return f.Component != "" && !isService(f.Component) }
	unknown := func(f survey.Program) bool { return f.Component == "" }
	return len(p.jobs) > 0 || slices.ContainsFunc(p.Repository.Programs, job) || !slices.ContainsFunc(p.Repository.Programs, unknown)
}

// oneProgram makes a job of the program that the user names.
func (p *Plan) oneProgram(c *chooser, o Options) {
	first := ""
	for _, f := range slices.Backward(p.Repository.Programs) {
		if !isService(f.Component) || first == "" {
			first = f.Path()
		}
	}
	name := path.Clean(strings.ReplaceAll(c.text("program", "Program of the first job", o.Program, first), `\`, "/"))
	if c.err != nil {
		return
	}
	if !slices.Contains(p.Repository.Files, name) {
		hint := ""
		if near, ok := source.Nearest(name, p.Repository.Files); ok {
			hint = " (did you mean " + near + "?)"
		}
		c.err = exit.Usagef("--program %s: not found in %s%s", name, p.Repository.Dir, hint)
		return
	}
	if path.Ext(name) != ".py" {
		c.err = exit.Usagef("--program %s: it is not a program in Python (a file that ends in .py)", name)
		return
	}
	f := p.Repository.Program(name)
	p.pack(f)
	p.found(f.At, "the program of the first job")
	job := survey.Slug(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	if job == "" {
		job = "job"
	}
	p.job(p.unused(job), "train", f.At, command(f))
}

// pack adds a program to the image if the image does not have it yet.
func (p *Plan) pack(f survey.Program) {
	i := &p.images[0]
	if i.dockerfile != nil {
		return
	}
	i.pythonPath = p.Repository.Package
	top, _, below := strings.Cut(f.Path(), "/")
	if below {
		top += "/"
	}
	if !slices.Contains(i.files, top) {
		i.files = append(i.files, top)
		slices.Sort(i.files)
	}
}

// oldJobs makes jobs of the experiments and jobs for Polyaxon 0.x.
func (p *Plan) oldJobs() {
	for _, f := range p.Repository.Polyaxonfiles {
		if f.Old && f.Image.Text != "" && p.images[0].dockerfile == nil {
			p.warn("%s: its image %s is not used: the packages of the lock are installed on %s; --base names another base", f.Image.At, f.Image.Text, p.images[0].base.Text)
		}
		switch {
		case !f.Old:
		case f.Command == "" || strings.Contains(f.Command, "{{"):
			p.warnOld(f)
		default:
			words := strings.Fields(f.Command)
			if strings.ContainsAny(f.Command, "&|;<>$`'\"\\*\n") {
				words = []string{"bash", "-c", f.Command}
			}
			p.job(p.unused(f.Name), "train", f.At, flow(words...))
			p.jobs[len(p.jobs)-1].oldGPU = f.GPU
		}
	}
}

// warnOld says that a file for Polyaxon 0.x makes no job.
func (p *Plan) warnOld(f survey.Polyaxonfile) {
	p.warn("%s: it is for Polyaxon 0.x: slipway check %s says what to write instead", f.At, f.Path())
}

// command returns the command of a program as a list in YAML.
func command(f survey.Program) string {
	if f.Module != "" {
		return flow("python", "-m", f.Module)
	}
	if strings.HasPrefix(f.Path(), "-") { // it is no option
		return flow("python", "./"+f.Path())
	}
	return flow("python", f.Path())
}

// job adds a job with a copy of a component.
func (p *Plan) job(name, component string, at source.Position, command string) {
	text, err := components.Read(component)
	if err != nil {
		return
	}
	file := "polyaxon/" + name + ".yml"
	if p.Repository.Exists(file) {
		file = "polyaxon/" + name + "-slipway.yml"
	}
	if p.Repository.Exists(file) {
		p.found(source.Position{File: file}, "a copy of the component %s", component)
	} else {
		p.file(file, "# A copy of slipway's component "+component+", to be changed as you like. slipway.yaml gives its inputs\n# their values.\n"+string(text), "the run of "+at.File+", a copy of the component "+component)
	}
	p.jobs = append(p.jobs, entry{name: name, file: file, image: p.imageOf(at.File, component), at: at, params: []param{{"COMMAND", command, at.String()}}})
}

func (p *Plan) service(name, component string, at source.Position, params ...param) {
	p.services = append(p.services, entry{name: p.unused(name), component: component, image: p.imageOf(at.File, component), at: at, params: params})
}
