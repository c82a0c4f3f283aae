package file

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/source"
)

// maxReferences is the maximum number of references that are followed for a Polyaxonfile.
const maxReferences = 100

// Load reads the Polyaxonfile at path and replaces its references with the components
// that they name, as Read does. It does not check the file against any version. The
// problems are those of the text and of references that cannot be resolved. The File's
// Root is nil when the file cannot be read. When ctx is cancelled, the remaining reads
// fail.
func (r Reader) Load(ctx context.Context, path string) (*File, []Problem) {
	text, err := r.read(ctx, path, r.Root)
	if err != nil {
		e := fileError(source.Position{File: path}, err)
		return &File{Name: path}, []Problem{{Error: *e, Stage: StageSubmit, Severity: SeverityError, Name: "not-yaml"}}
	}
	f, problems := Load(path, text)
	if f.root == nil {
		return f, problems
	}
	if r.Root == "" {
		r.Root = repository(path)
	}
	x := &resolution{Reader: r, ctx: ctx, file: f, stack: []string{path}}
	x.operation(f.root, f.place, path, nil)
	return f, append(problems, x.problems...)
}

// LoadPreset loads the preset at path. A preset is a part of an operation; isPreset may
// be missing.
func (r Reader) LoadPreset(ctx context.Context, path string) (*File, []Problem) {
	f, problems := r.Load(ctx, path)
	if f.root != nil {
		f.root["isPreset"] = true
	}
	return f, problems
}

// resolution replaces the references of a file with the components that they name.
type resolution struct {
	Reader
	ctx      context.Context //nolint:containedctx // lives as long as one call
	file     *File
	stack    []string // files that led here
	files    int
	problems []Problem
}

func (x *resolution) fail(at source.Position, path []string, hint string, cause error, format string, args ...any) {
	x.problems = append(x.problems, Problem{
		Error: source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: hint, Err: cause},
		Stage: StageSubmit, Severity: SeverityError, Name: "unresolved-reference", Path: path,
	})
}

// operation resolves the reference of an operation that stands in the file base, and the
// references in its dag.
func (x *resolution) operation(m map[string]any, p *Place, base string, path []string) {
	component, _ := m["component"].(map[string]any)
	below, at := p.field("component"), extend(path, "component")
	switch {
	case component != nil:
	case len(path) == 0 && !x.file.IsOperation():
		component, below, at = m, p, path
	default:
		for _, key := range []string{"pathRef", "urlRef", "hubRef"} {
			name, ok := m[key].(string)
			if !ok || template.Has(name) {
				continue
			}
			if found := x.follow(key, name, p.Fields[key].At, base, extend(path, key)); found != nil {
				delete(m, key)
				delete(p.Fields, key)
				m["component"], p.Fields["component"] = found.root, found.place
				p.Keys = append(slices.DeleteFunc(p.Keys, func(have string) bool { return have == key }), "component")
				if key == "pathRef" { // lines of remote files are never shown
					maps.Copy(x.file.texts, found.texts)
				}
				x.stack = append(x.stack, found.Name)
				x.dag(found.root, found.place, found.Name, at)
				x.stack = x.stack[:len(x.stack)-1]
			} else {
				p.Fields[key].Reported = true
			}
			return
		}
		return
	}
	x.dag(component, below, base, at)
}

// dag resolves the references of the operations in a component's dag.
func (x *resolution) dag(component map[string]any, p *Place, base string, path []string) {
	run, _ := component["run"].(map[string]any)
	operations, _ := run["operations"].([]any)
	if run["kind"] != "dag" || len(operations) == 0 || len(path) > maxDepth {
		return
	}
	places := p.field("run").field("operations").Items
	for i, operation := range operations {
		if m, ok := operation.(map[string]any); ok && i < len(places) {
			x.operation(m, places[i], base, append(slices.Clone(path), "run", "operations", strconv.Itoa(i)))
		}
	}
}

var looksLikeComponent = lazyregexp.New(`(?m)^["']?(?:kind["']?:[ \t]*["']?(?:component|operation)\b|run["']?:)|^\s*\{`)

// isComponent reports whether a referenced file is meant to be a component, so that its
// problems may be reported. A text that exceeds maxSize counts as a component.
func (f *File) isComponent(text []byte) bool {
	if f.root == nil {
		return len(text) > maxSize || looksLikeComponent.Match(text)
	}
	return f.root["kind"] == "component" || f.root["kind"] == "operation" || HasRun(f.root) ||
		slices.ContainsFunc(References(), func(key string) bool { return f.root[key] != nil })
}

// follow returns the component that a reference names. It returns nil when there is a
// problem, which it records.
func (x *resolution) follow(key, name string, at source.Position, base string, path []string) *File {
	var text []byte
	var err error
	called := name
	switch key {
	case "pathRef":
		if isURL(base) {
			x.fail(at, path, "use urlRef", nil, "a pathRef must be in a local file, and %s is not one", base)
			return nil
		}
		if called = filepath.FromSlash(name); !filepath.IsAbs(called) {
			called = filepath.Join(filepath.Dir(base), called)
		}
	case "hubRef":
		if called, err = x.hubAddress(name); err != nil {
			x.fail(at, path, "", err, "%v", err)
			return nil
		}
	}
	if slices.Contains(x.stack, called) {
		x.fail(at, path, "", nil, "%s forms a reference cycle: %s", key, strings.Join(append(slices.Clone(x.stack), called), " -> "))
		return nil
	}
	if x.files++; x.files > maxReferences {
		if x.files == maxReferences+1 {
			x.fail(at, path, "", nil, "refers to more than %d files", maxReferences)
		}
		return nil
	}
	if key == "pathRef" {
		if text, err = x.read(x.ctx, called, x.Root); err != nil {
			e := fileError(source.Position{File: called}, err)
			x.fail(at, path, e.Hint, err, "%s: %s", name, e.Message)
			return nil
		}
	} else if text, err = x.fetch(x.ctx, called, key == "hubRef"); err != nil {
		x.fail(at, path, "or save the component in the repository and use pathRef", err, "%s: %v", key, err)
		return nil
	}
	found, problems := Load(called, text)
	if !found.isComponent(text) {
		x.fail(at, path, "", nil, "%s", notComponentMessage(name))
		return nil
	}
	x.problems = append(x.problems, problems...)
	switch {
	case found.root == nil:
		return nil
	case found.IsOperation():
		x.fail(at, path, "", nil, "%s is an operation; a %s must refer to a component", name, key)
		return nil
	}
	return found
}
