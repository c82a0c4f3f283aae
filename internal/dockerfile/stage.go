package dockerfile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// stage is a stage of a Dockerfile, as far as files are concerned.
type stage struct {
	name string
	// base is the stage that it begins with, or nil for an image.
	base *stage
	// images are the images that it begins with, copies from or mounts.
	images  []string
	sources []copySource
	// env are its variables. workdir is its working directory, or "" for the image's.
	env     map[string]string
	workdir string
	triggers
}

// triggers are the ONBUILD instructions that run when another stage begins with this one.
type triggers []instructions.Command

// copySource is an instruction that copies files into a stage or mounts them for a step.
type copySource struct {
	// from is the stage with the files, or nil for the context.
	from     *stage
	sources  []string
	excluded []string
	// to is the destination, or "" for files that are only mounted. It is a relative path
	// if only the base image defines the workdir.
	to string
	// parents reports whether the files keep their paths at the destination.
	parents bool
}

// errForeign is returned for a Dockerfile in a language other than BuildKit's own.
var errForeign = errors.New("the Dockerfile is for another frontend")

// stagesOf returns the stages that are needed to build the spec's target for a platform.
// Each stage follows those that it needs.
func stagesOf(s Spec, text []byte, platform v1.Platform) ([]*stage, error) {
	if syntax, _, _, named := parser.DetectSyntax(text); named && !strings.Contains(syntax, "docker/dockerfile") {
		return nil, fmt.Errorf("%w: %s", errForeign, syntax)
	}
	escape, written, arguments, err := parse(text)
	if err != nil {
		return nil, err
	}
	r := reader{lex: shell.NewLex(escape), buildArgs: s.BuildArgs, global: platformArguments(platform)}
	for _, a := range arguments {
		r.argument(r.global, nil, a)
	}
	var all []*stage
	for _, w := range written {
		one, err := r.stage(w, all)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	target := len(all) - 1
	if s.Target != "" {
		target = slices.IndexFunc(all, func(one *stage) bool { return strings.EqualFold(one.name, s.Target) })
		if n, err := strconv.Atoi(s.Target); target < 0 && err == nil && n < len(all) {
			target = n
		}
	}
	if target < 0 {
		return nil, fmt.Errorf("stage %s not found", s.Target)
	}
	needed := map[*stage]bool{all[target]: true}
	for _, one := range slices.Backward(all[:target+1]) { // a stage needs only earlier stages
		if needed[one] {
			needed[one.base] = true
			for _, t := range one.sources {
				needed[t.from] = true
			}
		}
	}
	return slices.DeleteFunc(all[:target+1], func(one *stage) bool { return !needed[one] }), nil
}

// parse returns the escape character of a Dockerfile, its stages, and the arguments before them.
func parse(text []byte) (escape rune, stages []instructions.Stage, arguments []instructions.ArgCommand, err error) {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, err
	}
	stages, arguments, err = instructions.Parse(parsed.AST, nil)
	return parsed.EscapeToken, stages, arguments, err
}

// platformArguments returns the arguments that BuildKit predefines for all Dockerfiles.
func platformArguments(p v1.Platform) map[string]string {
	all := map[string]string{}
	for _, prefix := range []string{"TARGET", "BUILD"} {
		all[prefix+"PLATFORM"], all[prefix+"OS"], all[prefix+"ARCH"], all[prefix+"VARIANT"] = p.String(), p.OS, p.Architecture, p.Variant
	}
	return all
}

// reader evaluates the instructions of a Dockerfile.
type reader struct {
	lex               *shell.Lex
	buildArgs, global map[string]string
}

func (r reader) expand(word string, env map[string]string) (string, error) {
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	word, _, err := r.lex.ProcessWord(word, shell.EnvsFromSlice(pairs))
	return word, err
}

// argument sets the variables that an ARG declares: to the given value, the default of the
// ARG, or the value of an ARG before the first FROM, in this order.
func (r reader) argument(env, global map[string]string, a instructions.ArgCommand) {
	for _, one := range a.Args {
		value, given := r.buildArgs[one.Key]
		if !given && one.Value != nil {
			value, given = *one.Value, true
			value, _ = r.expand(value, env)
		}
		if !given {
			value, given = global[one.Key]
		}
		if given {
			env[one.Key] = value
		}
	}
}

// addImage adds an image that the stage uses, if its name is known.
func (s *stage) addImage(name string) {
	if name != "" && name != "scratch" && !strings.Contains(name, "$") {
		s.images = append(s.images, name)
	}
}

func (r reader) stage(w instructions.Stage, earlier []*stage) (*stage, error) {
	base, err := r.expand(w.BaseName, r.global)
	if err != nil {
		return nil, err
	}
	one := &stage{name: w.Name, env: map[string]string{}, base: named(earlier, base)}
	commands := w.Commands
	if one.base != nil {
		one.workdir = one.base.workdir
		maps.Copy(one.env, one.base.env)
		commands = slices.Concat(one.base.triggers, commands)
	} else if base == "scratch" {
		one.workdir = "/"
	} else {
		one.addImage(base)
	}
	for _, c := range commands {
		if err := r.command(one, c, earlier); err != nil {
			return nil, err
		}
	}
	return one, nil
}

// named returns the stage with a name or a number, or nil if the name is that of an image.
func named(stages []*stage, name string) *stage {
	for _, one := range slices.Backward(stages) {
		if one.name != "" && strings.EqualFold(one.name, name) {
			return one
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(stages) {
		return stages[n]
	}
	return nil
}

func (r reader) command(one *stage, c instructions.Command, earlier []*stage) error {
	if arg, ok := c.(*instructions.ArgCommand); ok {
		r.argument(one.env, r.global, *arg)
		return nil
	}
	if e, ok := c.(instructions.SupportsSingleWordExpansion); ok {
		if err := e.Expand(func(word string) (string, error) { return r.expand(word, one.env) }); err != nil {
			return err
		}
	}
	from := func(t copySource, name string) {
		if t.from = named(earlier, name); t.from != nil || name == "" {
			one.sources = append(one.sources, t)
		} else {
			one.addImage(name)
		}
	}
	switch c := c.(type) {
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			one.env[pair.Key] = pair.Value
		}
	case *instructions.WorkdirCommand:
		one.workdir = one.at(c.Path)
	case *instructions.OnbuildCommand:
		parsed, err := parser.Parse(strings.NewReader(c.Expression))
		if err != nil {
			return err
		}
		for _, node := range parsed.AST.Children {
			later, err := instructions.ParseCommand(node)
			if err != nil {
				return err
			}
			one.triggers = append(one.triggers, later)
		}
	case *instructions.CopyCommand:
		from(copySource{sources: c.SourcePaths, excluded: c.ExcludePatterns, parents: c.Parents, to: one.destination(c.SourcesAndDest)}, c.From)
	case *instructions.AddCommand:
		files := slices.DeleteFunc(slices.Clone(c.SourcePaths), isAddress)
		from(copySource{sources: files, excluded: c.ExcludePatterns, to: one.destination(c.SourcesAndDest)}, "")
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if m.Type == instructions.MountTypeBind {
				from(copySource{sources: []string{m.Source}}, m.From)
			}
		}
	}
	return nil
}

// isAddress reports whether a source of ADD is fetched from the network.
func isAddress(source string) bool {
	return strings.Contains(source, "://") || strings.HasPrefix(source, "git@")
}

// destination returns where a COPY puts its files. The path ends with a slash if it is
// certainly a directory.
func (s *stage) destination(c instructions.SourcesAndDest) string {
	to := s.at(c.DestPath)
	if many := len(c.SourcePaths)+len(c.SourceContents) > 1; many || strings.HasSuffix(c.DestPath, "/") || c.DestPath == "." || strings.HasSuffix(c.DestPath, "/.") {
		to = strings.TrimSuffix(to, "/") + "/"
	}
	return to
}

func (s *stage) at(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	if s.workdir == "" {
		return path.Clean(name)
	}
	return path.Join(s.workdir, name)
}
