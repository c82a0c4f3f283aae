package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/internal/wheel"
)

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

// makeLock plans a lock for requirements that have none. uv makes it, and runs no code of
// the repository: where only that tells the packages, the user makes the lock.
func (p *Plan) makeLock(c *chooser, o Options, python string) survey.Value {
	from := p.Repository.Requirements[0]
	p.found(from.At, "packages without hashes, which an image needs")
	lock := Lock{File: from.Path(), Python: python}
	switch {
	case from.Form == "pipenv":
		p.unlocked("pipenv requirements --hash > "+lockName, "%s: make the lock with", from.Path())
		return survey.Value{Text: lockName, At: from.At}
	case from.Form == "poetry-project":
		p.unlocked("poetry lock", "%s: make the lock with", from.Path())
		return survey.Value{Text: path.Join(path.Dir(from.Path()), "poetry.lock"), At: from.At}
	case from.Form == "setup" && len(from.List) == 0:
		p.unlocked("uv pip compile --generate-hashes "+from.Path()+" -o "+lockName, "%s computes its packages: list them in requirements.txt, or make the lock with a command which runs it", from.At)
		return survey.Value{Text: lockName, At: from.At}
	case from.Form == "requirements" && len(from.Dropped) > 0:
		p.ownPackages(&from)
		p.listed(from, &lock)
	case from.Form == "setup", from.Form == "conda", from.Form == "flit", from.Form == "pyproject" && len(from.Dropped) > 0:
		p.listed(from, &lock)
	}
	if p.Repository.Exists(lockName) {
		return survey.Value{Text: lockName, At: from.At}
	}
	if c.text("lock", "Make "+lockName+" with uv, which asks the package index (uv or none)", o.Lock, "uv", "uv", "none") == "uv" {
		p.Files = append(p.Files, File{Path: path.Join(p.Repository.Prefix, lockName), Reason: "the packages of " + lock.File + " with their hashes", Lock: &lock})
	} else {
		p.first(lock.Command() + beforeBuild)
	}
	return survey.Value{Text: lockName, At: from.At}
}

// emptyLock plans a lock without packages, for a version of Python. It has the command that makes it, so that
// slipway also warns of packages that requirements.txt names later.
func (p *Plan) emptyLock(python string) survey.Value {
	command := Lock{File: "requirements.txt", Python: python}.Command()
	p.warn("no list of packages was found, so %s has none: when the programs need some, name them in requirements.txt, and make the lock with: %s", lockName, command)
	p.file(lockName, "# The packages of the image with their hashes: none yet. Name them in requirements.txt, and make this file with\n# "+command+"\n", "the image needs a lock")
	return survey.Value{Text: lockName}
}

// beforeBuild is a comment behind a command that makes a lock.
const beforeBuild = "    # before the first build"

// unlocked warns that the user has to make the lock, and begins what is to be done next with it.
func (p *Plan) unlocked(command, format string, args ...any) {
	p.warn(format+": %s", append(args, command)...)
	p.first(command + beforeBuild)
}

// maxDropped is how many packages a warning names.
const maxDropped = 12

// listed plans a file of requirements with the packages that another file lists.
func (p *Plan) listed(from survey.Packages, lock *Lock) {
	if lock.File = "requirements.in"; p.Repository.Exists(lock.File) {
		lock.File = "requirements-" + from.Form + ".in"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# The packages of %s that pip can install.\n", from.At)
	for _, v := range from.List {
		fmt.Fprintf(&text, "%s  # %s\n", v.Text, v.At)
	}
	lock.Text = []byte(text.String())
	if !p.Repository.Exists(lock.File) {
		p.file(lock.File, text.String(), "the packages of "+from.Path())
	}
	p.leftOut(from)
}

// leftOut warns of the packages of a file that an image cannot have.
func (p *Plan) leftOut(from survey.Packages) {
	var own, addresses, others []survey.Value
	for _, v := range from.Dropped {
		switch {
		case survey.IsAddress(v.Text):
			addresses = append(addresses, v)
		case from.Form == "conda" && !strings.HasPrefix(v.Text, "-"):
			others = append(others, v)
		default:
			own = append(own, v)
		}
	}
	for _, kind := range []struct {
		list []survey.Value
		text string
	}{
		{own, "because an image takes packages from an index: %s; the programs of this repository are in the image without it"},
		{addresses, "because an image takes packages from an index: %s; where a program needs it, publish it as a wheel to an index, or build the image with a Dockerfile"},
		{others, "because pip cannot install them or wheels bring them: %s; what your programs need of these takes a Dockerfile"},
	} {
		if len(kind.list) > 0 {
			p.warn("%s: left out, "+kind.text, from.Path(), names(kind.list))
		}
	}
}

// names returns the first of some packages, with their lines.
func names(list []survey.Value) string {
	var all []string
	for n, v := range list {
		if n == maxDropped {
			all = append(all, fmt.Sprintf("and %d more", len(list)-n))
			break
		}
		all = append(all, fmt.Sprintf("%s (line %d)", source.Shorten(v.Text), v.At.Line))
	}
	return strings.Join(all, ", ")
}

// ownPackages adds to requirements with a project on disk, such as -e ., the packages that the
// project's setup.py needs. Its code is not run.
func (p *Plan) ownPackages(from *survey.Packages) {
	for _, own := range p.Repository.Requirements {
		switch {
		case path.Dir(own.Path()) != path.Dir(from.Path()) || own.Form == "requirements" || own.Form == "conda":
		case own.Form == "setup" && len(own.List) > 0:
			from.List = slices.Concat(from.List, own.List)
		default:
			p.warn("%s: add the packages that it names to %s, when the programs need them", own.At, from.Path())
		}
	}
}
