package wheel

import (
	"fmt"
	"path"
	"slices"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// CheckLock returns a *source.Error for what can be said of the spec's lock before its base is read: the lock or the
// pyproject.toml beside it cannot be used, or the lock has nothing for the spec's version of Python. If that is "", it
// is not checked. CheckLock reads files only.
func CheckLock(s Spec) error {
	f, err := s.format()
	if err != nil {
		return err
	}
	t, _ := newTarget(s.Python, "linux/amd64", rootfs.Libc{})
	if err := s.checkPython(t, f); err != nil {
		return err
	}
	switch f {
	case uvFormat, poetryFormat:
		in, err := s.exportInputs(f)
		if err != nil {
			return err
		}
		return s.checkProject(f, in.project)
	case pylockFormat:
		if list, err := s.parsePylock(s.reader()); err == nil { // Key reports other errors
			return t.checkNeeded(list.requirements)
		}
	case requirementsFormat:
		list, err := parseRequirements(s.Lock, s.reader())
		if err != nil {
			return err
		}
		return t.checkNeeded(list.requirements)
	}
	return nil
}

// checkNeeded returns the error of choose for a lock that has nothing for this version of Python, whatever its patch.
func (t target) checkNeeded(list []requirement) error {
	applies := func(r requirement, patch int) bool {
		one := t
		one.full = fmt.Sprintf("3.%d.%d", t.minor, patch)
		return r.marker == nil || r.marker.holds(one.environment())
	}
	if !t.pythonOK || slices.ContainsFunc(list, func(r requirement) bool { return applies(r, 0) || applies(r, newestPatch) }) {
		return nil
	}
	_, err := t.choose(list)
	return err
}

// checkProject returns an error if uv or poetry would refuse the pyproject.toml beside its lock because the file does
// not say which project it is: both read it before the lock. Poetry's rule holds since 1.8
// (python-poetry.org/docs/pyproject), uv's is that of the project table (packaging.python.org).
func (s Spec) checkProject(f format, text []byte) error {
	var p struct {
		Project map[string]any
		Tool    struct{ Poetry map[string]any }
	}
	if parsed := unmarshal(text, &p) == nil; !parsed { // uv and poetry say what is wrong
		return nil
	}
	var lacks []string
	for _, key := range []string{"name", "version"} {
		_, inProject := p.Project[key]
		_, inPoetry := p.Tool.Poetry[key]
		dynamic, _ := p.Project["dynamic"].([]any)
		switch {
		case f == poetryFormat && !inProject && !inPoetry, f == uvFormat && p.Project != nil && !inProject && !slices.Contains(dynamic, any(key)):
			lacks = append(lacks, key)
		}
	}
	program, hint := "uv", "add to its table [project]: "
	if f == poetryFormat {
		program, hint = "poetry", "add package-mode = false to its table [tool.poetry], or to [project]: "
		if mode, ok := p.Tool.Poetry["package-mode"].(bool); ok && !mode {
			return nil
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	what := ""
	for n, key := range lacks {
		if n > 0 {
			what, hint = what+" and no ", hint+" and "
		}
		what, hint = what+key, hint+map[string]string{"name": `name = "NAME"`, "version": `version = "0.1.0"`}[key]
	}
	return &source.Error{Position: source.Position{File: path.Join(path.Dir(s.Lock), "pyproject.toml")},
		Message: fmt.Sprintf("it has no %s of the project, without which %s does not read %s", what, program, s.Lock), Hint: hint}
}
