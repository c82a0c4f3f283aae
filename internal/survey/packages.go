package survey

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// Packages is a file that lists packages of Python.
type Packages struct {
	// Form is uv, poetry, pylock, requirements, pyproject, poetry-project (a pyproject.toml for
	// Poetry), flit (one for Flit before the table project), setup, conda or pipenv.
	Form string
	At   source.Position
	// List are the packages of a conda environment, a setup.py or of Flit, as pip requires them.
	// For requirements and pyproject it is only set with Dropped.
	List []Value
	// Dropped are those that an image cannot have: packages of conda that pip cannot install, and
	// requirements that are projects on disk, such as -e ., or addresses. Credentials in addresses
	// are masked.
	Dropped []Value
}

// Path returns the path of the file.
func (p Packages) Path() string { return p.At.File }

var (
	requirementsName = lazyregexp.New(`^requirements[\w.-]*\.(?:txt|in)$|^[\w.-]*requirements\.(?:txt|in)$`)
	development      = lazyregexp.New(`(?i)(?:^|[-_./])(?:dev|test|tests|docs?|lint|ci|doc)(?:[-_./]|$)`)
	production       = lazyregexp.New(`(?i)requirements/prod(?:uction)?\.`)
	pylockName       = lazyregexp.New(`^pylock\.(?:[^.]+\.)?toml$`)
	condaName        = lazyregexp.New(`^(?:[\w.-]*environment|[\w.-]*conda[\w.-]*|env)\.ya?ml$`)
)

func isPackages(name string) bool {
	base := path.Base(name)
	switch base {
	case "pyproject.toml", "uv.lock", "poetry.lock", "setup.py", "Pipfile", ".python-version", "runtime.txt":
		return true
	}
	return pylockName.MatchString(base) || requirementsName.MatchString(base) || condaName.MatchString(base) || path.Base(path.Dir(name)) == "requirements" && path.Ext(base) == ".txt"
}

var (
	lockHash   = lazyregexp.New(`(?m)--hash[= ]sha256:`)
	pinned     = lazyregexp.New(`(?m)^([A-Za-z0-9][A-Za-z0-9._-]*(?:\[[^\]]*\])?[^#\n]*)`)
	conda      = lazyregexp.New(`(?m)^(dependencies):`)
	condaTitle = lazyregexp.New(`(?m)^name:[ \t]*["']?([A-Za-z0-9._-]+)`)
	setupName  = lazyregexp.New(`[\s(,]name\s*=\s*["']([A-Za-z0-9._-]+)["']`)
	setupNeeds = lazyregexp.New(`[\s(,](install_requires)\s*=`)

	setupTexts = lazyregexp.New(`[\s(,]install_requires\s*=\s*\[((?:\s*(?:"[^"\n\\]*"|'[^'\n\\]*')\s*,?|\s*#[^\n]*)*)\s*\]`)
	pythonText = lazyregexp.New(`"[^"\n]*"|'[^'\n]*'`)

	compiledFor = lazyregexp.New(`(?m)^#.*(?:--python-version[= ]|with [Pp]ython )(3\.\d{1,2})`)
	setupPython = lazyregexp.New(`[\s(,]python_requires\s*=\s*["']([^"'\n]+)["']`)
	lockPython  = lazyregexp.New(`(?m)^requires-python\s*=\s*"([^"\n]+)"`)
	plainPython = lazyregexp.New(`(?m)^[ \t]*(?:(?:c?python|pyenv)[-@]?|>=|==|~=)?[ \t]*(3\.\d{1,2})(?:\.\d+|[-.]?dev|t)?[ \t]*(?:#.*)?$`)

	// Each package of a poetry.lock has python-versions, too: those of the project are in its last section.
	poetryPython = lazyregexp.New(`(?m)^\[metadata\](?:\n[^\[\n][^\n]*)*?\npython-versions\s*=\s*"([^"\n]+)"`)
)

func (r *Repository) addPackages(name, text string) {
	base, at := path.Base(name), source.Position{File: name, Line: 1}
	r.Jupyter = r.Jupyter || text == "" || isCut(text) || strings.Contains(text, "jupyter")
	switch {
	case base == ".python-version", base == "runtime.txt":
		if v, ok := firstMatch(name, text, plainPython); ok && path.Dir(name) == "." {
			r.Python = v // this file has no other purpose
		}
	case base == "pyproject.toml":
		r.addProject(name, text)
	case base == "uv.lock", base == "poetry.lock", pylockName.MatchString(base):
		if base == "poetry.lock" {
			r.python(firstMatch(name, text, poetryPython))
		} else {
			r.python(firstMatch(name, text, lockPython))
		}
		r.Locks = append(r.Locks, Packages{Form: strings.SplitN(base, ".", 2)[0], At: at})
	case base == "setup.py":
		if v, ok := firstMatch(name, text, setupName); ok && r.Project.Text == "" {
			r.Project = v
		}
		r.python(firstMatch(name, text, setupPython))
		if v, ok := firstMatch(name, text, setupNeeds); ok {
			list, dropped := setupList(name, text)
			r.Requirements = append(r.Requirements, Packages{Form: "setup", At: v.At, List: list, Dropped: dropped})
		}
	case base == "Pipfile":
		r.Requirements = append(r.Requirements, Packages{Form: "pipenv", At: at})
	case condaName.MatchString(base):
		if v, ok := firstMatch(name, text, conda); ok {
			r.addConda(name, text, v.At)
		} else {
			r.addYAML(name, text)
		}
	case lockHash.MatchString(text) && isLocked(text):
		r.python(firstMatch(name, text, compiledFor))
		r.Locks = append(r.Locks, Packages{Form: "requirements", At: at})
	default:
		if v, ok := firstMatch(name, text, pinned); ok {
			r.python(firstMatch(name, text, compiledFor))
			list, dropped := splitElsewhere(name, text)
			r.Requirements = append(r.Requirements, Packages{Form: "requirements", At: v.At, List: list, Dropped: dropped})
		}
	}
}

// setupList returns the packages of a setup.py that names them in a list of texts, and those that
// come from an address or a directory.
func setupList(name, text string) (all, elsewhere []Value) {
	list, ok := firstMatch(name, text, setupTexts)
	if !ok {
		return nil, nil
	}
	for _, found := range pythonText.FindAllStringIndex(list.Text, 500) {
		at := list.At
		at.Line += strings.Count(list.Text[:found[0]], "\n")
		text := strings.TrimSpace(list.Text[found[0]+1 : found[1]-1])
		switch {
		case text == "" || text[0] == '-':
		case isElsewhere(text):
			elsewhere = append(elsewhere, Value{Masked(text), at})
		default:
			all = append(all, Value{text, at})
		}
	}
	return all, elsewhere
}

// isLocked reports whether each package of requirements has a hash.
func isLocked(text string) bool {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line[0] != '#' && pinned.MatchString(line) && !lockHash.MatchString(line) {
			return false
		}
	}
	return true
}

// python keeps what is known about the version of Python. What was seen first stays.
func (r *Repository) python(v Value, ok bool) {
	if !ok || r.Python.Text != "" {
		return
	}
	if v.Text = Satisfying(v.Text); v.Text != "" {
		r.Python = v
	}
}

// sortPackages sorts locks and requirements: those at the root first, and those for
// development last.
//
// Of the files in a directory requirements the one for production comes first: base.txt is
// a part of it.
func (r *Repository) sortPackages() {
	order := map[string]int{"uv": 0, "poetry": 1, "pylock": 2, "requirements": 3, "pyproject": 4, "poetry-project": 4, "flit": 4, "conda": 5, "setup": 6, "pipenv": 7}
	rank := func(a, b Packages) int {
		return cmp.Or(
			cmp.Compare(b2i(development.MatchString(a.Path())), b2i(development.MatchString(b.Path()))),
			cmp.Compare(strings.Count(a.Path(), "/"), strings.Count(b.Path(), "/")),
			cmp.Compare(order[a.Form], order[b.Form]),
			cmp.Compare(b2i(strings.HasSuffix(b.Path(), ".in")), b2i(strings.HasSuffix(a.Path(), ".in"))), // the source of the other
			cmp.Compare(b2i(production.MatchString(b.Path())), b2i(production.MatchString(a.Path()))),
			cmp.Compare(len(a.Path()), len(b.Path())))
	}
	slices.SortStableFunc(r.Locks, rank)
	slices.SortStableFunc(r.Requirements, rank)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
