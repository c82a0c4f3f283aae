package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/internal/wheel"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// image is an image of slipway.yaml.
type image struct {
	name string
	// dockerfile is set for an image of kind dockerfile; the others are those of kind python.
	dockerfile *survey.Dockerfile
	base, lock survey.Value
	files      []string
	pythonPath survey.Value
}

const (
	lockName = "requirements.lock.txt"
	// usualPython is the version of Python where nothing names one.
	usualPython = "3.12"
	// mendLock is the first step after a warning about the lock.
	mendLock = "mend what the warning about the lock says: until then, no image is built"
)

// chooseImages decides how images are built. A lock makes an image without a container
// engine. A Dockerfile that installs what pip cannot is needed as it is.
func (p *Plan) chooseImages(c *chooser, o Options) {
	r := p.Repository
	needsDocker := slices.ContainsFunc(r.Dockerfiles, func(d survey.Dockerfile) bool { return d.System.Text != "" })
	switch {
	case needsDocker || len(r.Locks)+len(r.Requirements) == 0 && len(r.Dockerfiles) > 0:
		p.dockerfiles()
	case len(r.Locks)+len(r.Requirements) > 0:
		p.images = append(p.images, p.pythonImage(c, o, func(python string) survey.Value {
			if len(r.Locks) == 0 {
				return p.makeLock(c, o, python)
			}
			lock := r.Locks[0]
			p.found(lock.At, "packages with hashes")
			if err := wheel.CheckLock(wheel.Spec{Name: p.project.Text, Dir: r.Dir, Lock: lock.Path(), Python: python}); err != nil {
				p.warn("%v", err)
				p.first(mendLock)
			}
			return survey.Value{Text: lock.Path()}
		}))
	case len(r.Programs)+len(r.Notebooks) > 0 && !slices.ContainsFunc(r.Polyaxonfiles, func(f survey.Polyaxonfile) bool { return !f.Old }):
		p.images = append(p.images, p.pythonImage(c, o, p.emptyLock))
	}
}

// dockerfiles plans an image of each Dockerfile.
func (p *Plan) dockerfiles() {
	for n := range p.Repository.Dockerfiles {
		d := &p.Repository.Dockerfiles[n]
		name := d.Name
		for k := 2; slices.ContainsFunc(p.images, func(i image) bool { return i.name == name }); k++ {
			name = fmt.Sprintf("%s-%d", d.Name, k)
		}
		p.images = append(p.images, image{name: name, dockerfile: d})
		if d.System.Text != "" {
			p.found(d.System.At, "%s: the Dockerfile is built as it is", d.System.Text)
		} else {
			p.found(d.At, "a Dockerfile")
		}
	}
}

// python returns the version of Python that the project is for.
func (p *Plan) python() survey.Value {
	if p.Repository.Python.Text != "" {
		return p.Repository.Python
	}
	return survey.Value{Text: usualPython}
}

// pythonImage plans an image of kind python. lock returns its lock for a version of Python:
// that of the base, if its name tells.
func (p *Plan) pythonImage(c *chooser, o Options, lock func(python string) survey.Value) image {
	python := p.python()
	if python.At.File != "" {
		p.found(python.At, "Python %s", python.Text)
	}
	usual := survey.Value{Text: "python:" + python.Text + "-slim", At: python.At}
	base := survey.Value{Text: c.text("base", "Base image with Python", o.Base, usual.Text)}
	if base.Text == usual.Text {
		base = usual
	}
	if c.err == nil && !isBase(base.Text) {
		c.err = exit.Usagef("--base %s: it is not the name of an image, such as python:3.12-slim", base.Text)
	}
	if named, _ := wheel.NamedPython(base.Text); named != "" {
		python.Text = named
	}
	if wants := p.Repository.RequiresPython; !wheel.AllowsPython(wants.Text, python.Text) {
		p.warn("%s: the project requires Python %s, and the base %s has Python %s: name another with --base", wants.At, source.Shorten(wants.Text), base.Text, python.Text)
		if fitting := survey.Satisfying(wants.Text); fitting != "" {
			p.first("change base in " + config.FileName + " to an image with Python " + fitting + ", such as python:" + fitting + "-slim")
			python.Text = fitting // the lock is made for the base that will be there
		}
	}
	return image{name: p.project.Text, base: base, lock: lock(python.Text), files: p.sources(), pythonPath: p.Repository.Package}
}

func isBase(reference string) bool {
	if _, onDisk := layout.Parse(reference); onDisk {
		return true
	}
	_, err := name.ParseReference(reference)
	return err == nil
}

// maxData is how many files a directory of data may have to go into the image.
const maxData = 100

// sources returns what of the repository programs need: the directories with Python, those
// of configuration and of small data, and files of both at the root.
func (p *Plan) sources() []string {
	count, python := map[string]int{}, map[string]bool{}
	var all []string
	for _, name := range p.Repository.Files {
		top, _, below := strings.Cut(name, "/")
		switch {
		case below:
			count[top]++
			python[top] = python[top] || path.Ext(name) == ".py"
		case isSource(name):
			all = append(all, name)
		}
	}
	for top := range count {
		switch top {
		case "tests", "test", "docs", "doc", "examples", "notebooks", "scratch", "polyaxon", "docker", "k8s", ".github", ".gitlab":
			continue
		case "conf", "config", "configs", "params", "settings":
			all = append(all, top+"/")
			continue
		case "data", "datasets", "models":
			if count[top] <= maxData {
				all = append(all, top+"/")
			}
			continue
		}
		if python[top] {
			all = append(all, top+"/")
		}
	}
	if len(all) == 0 { // a project of notebooks
		for _, name := range p.Repository.Notebooks {
			if top, _, below := strings.Cut(name, "/"); below {
				name = top + "/"
			}
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func isSource(name string) bool {
	switch path.Ext(name) {
	case ".py":
		return name != "setup.py" && name != "conftest.py" && name != "noxfile.py" && !strings.HasPrefix(name, "test_")
	case ".yaml", ".yml", ".json":
		stem := strings.TrimSuffix(name, path.Ext(name))
		return stem == "params" || stem == "config" || stem == "configs" || stem == "settings" || stem == "conf"
	}
	return false
}

// imageOf returns the image for a program: that of the Dockerfile in the nearest directory above
// it, one that serves the component if there are several, or the first image.
func (p *Plan) imageOf(program, component string) string {
	best, most := p.images[0].name, 0
	for _, i := range p.images {
		if i.dockerfile == nil {
			continue
		}
		rank := 0
		if dir := path.Dir(i.dockerfile.Path()) + "/"; strings.HasPrefix(program, dir) {
			rank = 2 * len(dir)
		}
		if i.dockerfile.Serves == component {
			rank++
		}
		if rank > most {
			best, most = i.name, rank
		}
	}
	return best
}
