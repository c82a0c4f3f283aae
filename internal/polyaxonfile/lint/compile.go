package lint

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
)

// compileRule is the rule whose findings come from compiling the file. A file is compiled
// only when no other errors are found.
const compileRule = "compile-error"

func compileRules() []Rule {
	return []Rule{{
		Name: compileRule, Severity: file.SeverityError, Stage: file.StageCompile,
		Summary: "Polyaxon's compiler fails on the file",
		Help: "The file is compiled as the version's server would, with values of the right types where a param is still to come, and that fails: a default that its input's type or validation does not accept, " +
			"a template that cannot be computed, a reference to something that is not found. The message is Polyaxon's own.",
	}}
}

// named matches the phrases by which Polyaxon's messages name an input or a param.
var named = lazyregexp.New("(?:for|param|Param|Input|input) `?([A-Za-z_][\\w-]*)`?")

// compile reports the errors of compiling the unit. The unit must be the file's own, not
// one of a dag.
func (p *pass) compile() {
	if kind := text(p.run["kind"]); p.operation["isPreset"] == true || before2(p.version) && contains([]string{"spark", "flink", "dask", "ray"}, kind) {
		// These kinds were removed after 1.x, and their compilation was never compared with a
		// server's.
		return
	}
	c := p.compilation()
	if c.resolved && p.options.Cluster != nil && p.asWritten(c.operation) {
		added := func(f Finding) bool { return f.Position.File == "" } // by Polyaxon's merge: not in the file
		p.findings = append(p.findings, slices.DeleteFunc(MissingRendered(p, p.file, c.compiled, p.options.Cluster), added)...)
	}
	var invalid *compile.InvalidError
	var misfit *shape.ValidationError
	var failed *compile.Error
	switch {
	case errors.As(c.err, &misfit) && misfit.UnknownArgument:
		// The schema's rules know better which spellings of keys Polyaxon accepts.
	case errors.As(c.err, &invalid):
		lines := strings.Split(strings.TrimSpace(invalid.Error()), "\n")
		p.reportCompilerError("the server refuses it: ", strings.TrimPrefix(strings.TrimSpace(lines[len(lines)-1]), "Value error, "), lines)
	case errors.As(c.err, &failed):
		p.reportCompilerError("the run fails when it is compiled: ", strings.TrimPrefix(failed.Message, "Compilation Error: "), nil)
	}
}

// compilation is a unit as a version of Polyaxon compiles it.
type compilation struct {
	// operation is what was compiled: the unit with params for the inputs that had none.
	operation map[string]any
	compiled  *compile.Compiled
	// resolved reports whether the templates of compiled are rendered. They are not if a value
	// is unknown here, such as the output of another run.
	resolved bool
	// run is the run of compiled, if it is resolved.
	run map[string]any
	err error
}

// unitVersion names a unit by its paths, and a version of Polyaxon.
type unitVersion struct {
	operation, component string
	version              schema.Version
}

// compilation compiles the unit. It compiles it once for all rules.
func (p *pass) compilation() *compilation {
	key := unitVersion{strings.Join(p.operationPath, "\x00"), strings.Join(p.path, "\x00"), p.version}
	if known, ok := p.cache.compiled[key]; ok {
		return known
	}
	c := &compilation{operation: map[string]any{}}
	p.cache.compiled[key] = c
	if p.operation == nil || p.nested { // an operation of a dag may name its component
		c.operation = map[string]any{"kind": "operation", "version": 1.1, "component": p.component}
	}
	maps.Copy(c.operation, p.operation)
	complete := p.complete(c.operation)
	c.compiled, c.err = compile.Values(c.operation, p.version)
	if c.err == nil && complete && c.compiled.Schedule() == "" && c.operation["isPreset"] != true && !p.needsRuns() {
		c.compiled, c.err = p.resolve(c.compiled)
		if c.resolved = c.err == nil; c.resolved {
			c.run = c.compiled.Run()
		}
	}
	return c
}

// reportCompilerError reports a message of the compiler at the input or the path that the
// message names. The names are read from the message, because the compiler's errors are
// Polyaxon's, which are texts only. They decide nothing but the position.
func (p *pass) reportCompilerError(what, message string, lines []string) {
	at := p.file.At(p.runPath...)
	if p.run == nil {
		at = p.file.At()
	}
	if len(lines) > 1 {
		if found, ok := p.file.Locate(strings.Split(strings.TrimSpace(lines[1]), ".")); ok {
			at = found
		}
	}
	inputs := append(p.declared("inputs"), p.declared("outputs")...)
	for _, m := range named.FindAllStringSubmatch(message, -1) {
		for _, x := range inputs {
			if x.name != m[1] {
				continue
			}
			at = p.file.At(extend(x.path, "name")...)
			if x.hasValue {
				at = p.file.At(extend(x.path, "value")...)
			}
			if param := mapping(p.operation["params"])[x.name]; param != nil {
				at = p.file.At(extend(p.operationPath, "params", x.name)...)
			}
		}
	}
	p.add(at, p.length(at), "", what+shortenedTo(message, 300))
}

// complete adds params of the right types for inputs that still need a value. It returns
// false when it cannot do so for all of them. A component that is no operation's also gets
// params for the outputs that its templates read, such as the destination of an image, and
// each param whose connection a template reads has one.
func (p *pass) complete(operation map[string]any) bool {
	given, read := p.given(), p.readParams()
	declared := p.declared("inputs")
	if p.operation == nil {
		for _, x := range p.declared("outputs") {
			if _, ok := read[x.name]; ok {
				declared = append(declared, x)
			}
		}
	}
	params := map[string]any{}
	for name, value := range mapping(operation["params"]) {
		params[name] = value
	}
	all := true
	for _, x := range declared {
		if x.optional || x.hasValue || x.delayed || given[x.name] || x.name == "" {
			continue
		}
		value, ok := placeholder(x)
		if !ok {
			all = false
			continue
		}
		param := map[string]any{"value": value}
		if read[x.name] {
			param["connection"] = "connection"
		}
		params[x.name] = param
	}
	if len(params) > 0 {
		operation["params"] = params
	}
	return all
}

// readParams returns the names that templates read, and whether they read the connection of
// the param.
func (p *pass) readParams() map[string]bool {
	read := map[string]bool{}
	p.templates(func(text string, _ []string) {
		for _, n := range p.template(text).names {
			name, connection := n.Path[0], false
			if name == "params" {
				if len(n.Path) == 1 {
					continue
				}
				name, connection = n.Path[1], len(n.Path) > 2 && n.Path[2] == "connection"
			}
			read[name] = read[name] || connection
		}
	})
	return read
}

// asWritten reports whether an operation has exactly the params that the file sets. With
// the params of a job, the cluster is checked for the job instead.
func (p *pass) asWritten(operation map[string]any) bool {
	return len(p.options.Params) == 0 && !p.options.ImageGiven && len(mapping(operation["params"])) == len(mapping(p.operation["params"]))
}

// placeholder returns a value of an input's type. It returns false when no value is
// certain to be valid.
func placeholder(x input) (any, bool) {
	options := list(x.values["options"])
	if validation := mapping(x.values["validation"]); validation != nil {
		if options = list(validation["options"]); len(options) == 0 {
			return nil, false
		}
	}
	value, ok := map[string]any{
		"": "x", "any": "x", "str": "x", "path": "/x", "image": "x:1", "int": 1, "float": 0.5, "metric": 0.5, "bool": true,
		"list": []any{"x"}, "dict": map[string]any{"x": "x"}, "date": "2026-01-02", "uuid": strings.Repeat("0", 31) + "1",
		"gcs": "gs://x/x", "s3": "s3://x/x",
	}[x.kind]
	if len(options) > 0 {
		value, ok = options[0], true
	}
	if isList, _ := x.values["isList"].(bool); isList {
		value = []any{value}
	}
	return value, ok
}

// needsRuns reports whether params come from other runs, which are not available here.
func (p *pass) needsRuns() bool {
	if p.operation["joins"] != nil || p.operation["dependencies"] != nil || p.operation["events"] != nil || p.operation["build"] != nil || p.component["build"] != nil {
		return true
	}
	for _, param := range mapping(p.operation["params"]) {
		if mapping(param)["ref"] != nil {
			return true
		}
	}
	return false
}

// resolve renders the compiled unit as an arbitrary run, in which all connections exist.
func (p *pass) resolve(compiled *compile.Compiled) (*compile.Compiled, error) {
	return compiled.Resolve(compile.Context{
		Owner: "default", Project: "project", ProjectUUID: "project", Name: "run", UUID: strings.Repeat("0", 31) + "1", Namespace: "polyaxon",
		Placeholder: compile.PlaceholderConnection,
	})
}
