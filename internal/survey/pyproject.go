package survey

import (
	"path"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// addProject reads a pyproject.toml.
func (r *Repository) addProject(name, text string) {
	values, err := wheel.TOMLValues(name, []byte(text))
	atRoot := path.Dir(name) == "."
	switch {
	case err == nil || isCut(text):
	case atRoot:
		r.Broken = err
	default:
		r.Unread = append(r.Unread, err)
	}
	p := projectFile{name: name, atRoot: atRoot, lists: map[string]*Packages{}}
	for _, v := range values {
		p.read(r, v)
	}
	for _, form := range []string{"pyproject", "poetry-project", "flit"} {
		if list := p.lists[form]; list != nil {
			if form == "pyproject" && list.Dropped == nil {
				list.List = nil // uv reads the file itself
			}
			r.Requirements = append(r.Requirements, *list)
		}
	}
}

// projectFile is a pyproject.toml while it is read.
type projectFile struct {
	name   string
	atRoot bool
	// lists are the lists of packages in it, by their form.
	lists map[string]*Packages
}

func (p projectFile) read(r *Repository, v wheel.TOMLValue) {
	value := Value{strings.Join(strings.Fields(v.Text), " "), source.Position{File: p.name, Line: v.Line}}
	isText := value.Text != ""
	switch v.Path {
	case "project.name", "tool.poetry.name", "tool.flit.metadata.module":
		if p.atRoot && isText {
			r.Project = value
		}
	case "project.requires-python", "tool.poetry.dependencies.python", "tool.flit.metadata.requires-python":
		if !isText {
			_, key, _ := strings.Cut(v.Path, ".")
			r.Unread = append(r.Unread, &source.Error{Position: value.At, Message: key + " is not a text such as \">=3.10\", and was not read"})
			return
		}
		if p.atRoot {
			r.RequiresPython = value
		}
		r.python(value, true)
	case "project.dependencies":
		p.item("pyproject", v, value)
	case "tool.flit.metadata.requires":
		p.item("flit", v, value)
	}
	if v.Path == "tool.poetry.dependencies" || strings.HasPrefix(v.Path, "tool.poetry.dependencies.") {
		p.list("poetry-project", value.At)
	}
}

// list returns the list of packages of a form, which begins at a position.
func (p projectFile) list(form string, at source.Position) *Packages {
	if p.lists[form] == nil {
		p.lists[form] = &Packages{Form: form, At: at}
	}
	return p.lists[form]
}

// item adds a value of a list of packages: the list itself, or one of its packages.
func (p projectFile) item(form string, v wheel.TOMLValue, value Value) {
	list := p.list(form, value.At)
	switch {
	case !v.Item || value.Text == "":
	case isElsewhere(value.Text):
		list.Dropped = append(list.Dropped, Value{Masked(value.Text), value.At})
	default:
		list.List = append(list.List, value)
	}
}
