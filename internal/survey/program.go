package survey

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// Program is a file of Python that can be run.
type Program struct {
	At source.Position
	// Component is the component that ships whose purpose it has, such as train, or "".
	Component string
	// Module is its name for python -m if it belongs to a package, or "".
	Module string
	// App is the variable of a FastAPI application, or "".
	App string
	// Started reports whether a Dockerfile starts it.
	Started bool

	imports []string // the first part of each module that it imports
}

// Path returns the path of the program.
func (p Program) Path() string { return p.At.File }

var (
	mainBlock  = lazyregexp.New(`(?m)^if\s+(__name__)\s*==\s*["']__main__["']`)
	statements = lazyregexp.New(`(?m)^(for |while |with |print\(|[a-z_]\w*(?:\.\w+)*\()`)
	fastAPI    = lazyregexp.New(`(?m)^(\w+)\s*(?::[^=\n]+)?=\s*(?:fastapi\.)?FastAPI\(`)
	imports    = lazyregexp.New(`(?m)^[ \t]*(?:from|import)[ \t]+(\w+)`)
	relative   = lazyregexp.New(`(?m)^[ \t]*from[ \t]+\.`)
	streamlit  = lazyregexp.New(`(?m)^(?:import|from) (streamlit)\b`)
	notRun     = lazyregexp.New(`(?:^|/)(?:tests?|docs?|examples?|notebooks?|migrations)/|(?:^|/)(?:setup|conftest|noxfile|manage|fabfile|tasks|__init__|test_[^/]*|[^/]*_test)\.py$`)
)

// purposes matches the names of programs by the component that fits them.
var purposes = []struct {
	component string
	names     *lazyregexp.Regexp
}{
	{"tune", lazyregexp.New(`^(?:tune|tuning|hpo|hyperopt|optuna|sweep)(?:_|$)|_(?:tune|tuning|hpo|sweep)$`)},
	{"batch-inference", lazyregexp.New(`^(?:batch_?)?(?:predict|inference|infer|score)(?:_|$)|_(?:predict|inference|infer)$|^batch_infer`)},
	{"process-data", lazyregexp.New(`^(?:process|preprocess|prepare|prep|clean|make|build|ingest|etl)(?:_?(?:data|dataset|features))?$|^(?:data|feature)_?(?:prep|processing|engineering)$|^preprocessing$`)},
	{"train", lazyregexp.New(`^(?:train|training|fit|finetune|fine_tune)(?:_|$)|_(?:train|training|fit)$`)},
}

func (r *Repository) addProgram(name, text string) {
	if notRun.MatchString(name) {
		return
	}
	p := Program{At: source.Position{File: name, Line: 1}}
	if v, ok := firstMatch(name, text, fastAPI); ok {
		p.At, p.App, p.Component = v.At, v.Text, "rest-api"
		r.Programs = append(r.Programs, p)
		return
	}
	if !relative.MatchString(text) { // those need a package
		for _, found := range imports.FindAllStringSubmatch(text, 500) {
			p.imports = append(p.imports, found[1])
		}
	}
	main, isMain := firstMatch(name, text, mainBlock)
	if v, ok := firstMatch(name, text, streamlit); ok && (isMain || statements.MatchString(text)) {
		p.At, p.Component = v.At, "streamlit"
		r.Programs = append(r.Programs, p)
		return
	}
	if isMain || statements.MatchString(text) {
		p.Component = purposeOf(name)
	}
	if isMain {
		p.At = main.At
	}
	if isMain || p.Component != "" {
		r.Programs = append(r.Programs, p)
	} else if v, ok := firstMatch(name, text, statements); ok {
		p.At = v.At
		r.scripts = append(r.scripts, p)
	}
}

// purposeOf returns the component that fits the name of a program, or "".
func purposeOf(name string) string {
	stem, component := strings.ReplaceAll(strings.TrimSuffix(path.Base(name), ".py"), "-", "_"), ""
	for _, purpose := range purposes {
		if purpose.names.MatchString(stem) {
			component = purpose.component
		}
	}
	return component
}

// findStarted marks the programs that a Dockerfile starts. They need not look like programs.
func (r *Repository) findStarted() {
	for _, d := range r.Dockerfiles {
		name := strings.TrimPrefix(strings.TrimPrefix(d.Runs.Text, "/"), "./")
		if !strings.HasSuffix(name, ".py") {
			name = strings.ReplaceAll(name, ".", "/") + ".py"
		}
		at := slices.IndexFunc(r.Files, func(file string) bool {
			return d.Runs.Text != "" && (file == name || strings.HasSuffix(file, "/"+name))
		})
		if at < 0 || notRun.MatchString(r.Files[at]) {
			continue
		}
		file := r.Files[at]
		n := slices.IndexFunc(r.Programs, func(p Program) bool { return p.Path() == file })
		if n < 0 {
			n = len(r.Programs)
			r.Programs = append(r.Programs, Program{At: source.Position{File: file, Line: 1}, Component: purposeOf(file)})
		}
		r.Programs[n].Started = true
	}
}

// findPrograms finds how programs in packages are run. Where there is no program that says
// what it is, those that have statements are the programs.
func (r *Repository) findPrograms() {
	if r.findStarted(); len(r.Programs) == 0 {
		r.Programs = r.scripts
	}
	for n := range r.Programs {
		r.place(&r.Programs[n])
	}
	for _, name := range r.Files {
		if dir := path.Dir(path.Dir(name)); r.Package.Text == "" && path.Base(name) == "__init__.py" && (dir == "src" || dir == "lib") && !r.isPackage(dir) {
			r.Package = Value{Text: dir, At: source.Position{File: name}}
		}
	}
	slices.SortStableFunc(r.Programs, func(a, b Program) int {
		return cmp.Or(cmp.Compare(b2i(b.Started), b2i(a.Started)), cmp.Compare(strings.Count(a.Path(), "/"), strings.Count(b.Path(), "/")), cmp.Compare(len(a.Path()), len(b.Path())), cmp.Compare(a.Path(), b.Path()))
	})
}

// Program returns the program in a file of the repository, which need not look like one.
func (r *Repository) Program(name string) Program {
	if n := slices.IndexFunc(r.Programs, func(p Program) bool { return p.Path() == name }); n >= 0 {
		return r.Programs[n]
	}
	p := Program{At: source.Position{File: name}}
	r.place(&p)
	return p
}

// place finds the module of a program that belongs to a package.
func (r *Repository) place(p *Program) {
	top := path.Dir(p.Path())
	if !r.isPackage(top) {
		return
	}
	for r.isPackage(path.Dir(top)) {
		top = path.Dir(top)
	}
	from := path.Dir(top)
	if from != "." && r.Package.Text == "" {
		r.Package = Value{Text: from, At: source.Position{File: top + "/__init__.py"}}
	}
	if dir := path.Dir(p.Path()); slices.ContainsFunc(p.imports, func(module string) bool { return r.isModule(dir, module) && !r.isModule(from, module) }) {
		// Python finds these modules only beside a program that is run as a file. What it imports of
		// its package needs the path to that, too.
		if from == "." && r.Package.Text == "" && slices.Contains(p.imports, path.Base(top)) {
			r.Package = Value{Text: ".", At: p.At}
		}
		return
	}
	if from == "." || from == r.Package.Text {
		p.Module = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(p.Path(), strings.TrimPrefix(from+"/", "./")), ".py"), "/", ".")
	}
}

// isPackage reports whether a directory is a package of Python.
func (r *Repository) isPackage(dir string) bool {
	_, found := slices.BinarySearch(r.Files, dir+"/__init__.py")
	return found
}

// isModule reports whether a directory has a module of Python.
func (r *Repository) isModule(dir, name string) bool {
	_, found := slices.BinarySearch(r.Files, path.Join(dir, name+".py"))
	return found || r.isPackage(path.Join(dir, name))
}
