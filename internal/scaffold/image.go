package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/internal/wheel"
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

// Lock says how a lock is made.
type Lock struct {
	// File is the file whose packages are locked, for Python. Text is its content if it is
	// not written yet.
	File, Python string
	Text         []byte
}

// Command returns the command line that makes the lock.
func (l Lock) Command() string {
	return "uv " + strings.Join(wheel.CompileArgs(l.File, l.Python), " ") + " -o " + lockName
}

const (
	lockName = "requirements.lock.txt"
	// usualPython is the version of Python where nothing names one.
	usualPython = "3.12"
)

// chooseImages decides how images are built. A lock makes an image without a container
// engine. A Dockerfile that installs what pip cannot is needed as it is.
func (p *Plan) chooseImages(c *chooser, o Options) {
	r := p.Repository
	needsDocker := slices.ContainsFunc(r.Dockerfiles, func(d survey.Dockerfile) bool { return d.System.Text != "" })
	if needsDocker || len(r.Locks)+len(r.Requirements) == 0 && len(r.Dockerfiles) > 0 {
		for n := range r.Dockerfiles {
			d := &r.Dockerfiles[n]
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
		return
	}
	if len(r.Locks)+len(r.Requirements) == 0 {
		if len(r.Programs)+len(r.Notebooks) > 0 && len(r.Polyaxonfiles) == 0 {
			p.warn("no list of packages was found: requirements.lock.txt is written without any; add a requirements.txt when the program needs packages")
			p.file(lockName, "# The packages of the image, with their hashes: none yet.\n", "the image needs a lock")
			p.images = append(p.images, p.pythonImage(c, o, survey.Value{Text: lockName}))
		}
		return
	}
	if len(r.Locks) > 0 {
		lock := r.Locks[0]
		p.found(lock.At, "packages with hashes")
		p.images = append(p.images, p.pythonImage(c, o, survey.Value{Text: lock.Path()}))
		return
	}
	p.images = append(p.images, p.pythonImage(c, o, p.makeLock(c, o)))
}

// makeLock plans a lock for requirements that have none.
func (p *Plan) makeLock(c *chooser, o Options) survey.Value {
	from := p.Repository.Requirements[0]
	p.found(from.At, "packages without hashes, which an image needs")
	if from.Form == "pipenv" {
		p.warn("%s: make the lock with: pipenv requirements --hash > %s", from.Path(), lockName)
		return survey.Value{Text: lockName, At: from.At}
	}
	lock := Lock{File: from.Path(), Python: p.python().Text}
	if from.Form == "conda" {
		lock.File = "requirements.in"
		var text strings.Builder
		fmt.Fprintf(&text, "# Of %s: what PyPI has of it. Other packages of conda need a Dockerfile.\n", from.At)
		for _, v := range from.List {
			fmt.Fprintf(&text, "%s  # %s\n", v.Text, v.At)
		}
		lock.Text = []byte(text.String())
		if !p.Repository.Exists(lock.File) {
			p.file(lock.File, text.String(), "the packages of "+from.Path())
		}
	}
	if p.Repository.Exists(lockName) {
		return survey.Value{Text: lockName, At: from.At}
	}
	if c.text("lock", "Make "+lockName+" with uv, which asks the package index (uv or none)", o.Lock, "uv", "uv", "none") == "uv" {
		p.Files = append(p.Files, File{Path: path.Join(p.Repository.Prefix, lockName), Reason: "the packages of " + lock.File + " with their hashes", Lock: &lock})
	} else {
		p.Next = append(p.Next, lock.Command()+"    # before the first build")
	}
	return survey.Value{Text: lockName, At: from.At}
}

// python returns the version of Python that the project is for.
func (p *Plan) python() survey.Value {
	if p.Repository.Python.Text != "" {
		return p.Repository.Python
	}
	return survey.Value{Text: usualPython}
}

func (p *Plan) pythonImage(c *chooser, o Options, lock survey.Value) image {
	python := p.python()
	if python.At.File != "" {
		p.found(python.At, "Python %s", python.Text)
	}
	i := image{name: p.project.Text, lock: lock, files: p.sources(), pythonPath: p.Repository.Package}
	i.base = survey.Value{Text: c.text("base", "Base image with Python", o.Base, "python:"+python.Text+"-slim"), At: python.At}
	return i
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
	if slices.Sort(all); len(all) == 0 && len(p.Repository.Notebooks) > 0 {
		all = append(all, p.Repository.Notebooks[0])
	}
	return all
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
