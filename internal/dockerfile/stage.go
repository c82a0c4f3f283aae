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
	// base is the stage that it begins with; nil for an image.
	base  *stage
	takes []take
	// env are its variables, workdir where it is; "" for where its image is.
	env     map[string]string
	workdir string
	triggers
}

// triggers are what a stage does when another begins with it.
type triggers []instructions.Command

// take is how files come into a stage, or are seen by a step of it.
type take struct {
	// from is where they are; nil for the context.
	from     *stage
	sources  []string
	excluded []string
	// to is where they go; "" for files that a step only sees. Below a workdir that
	// only the base's image knows it is no absolute path.
	to string
	// parents says that they keep their paths there.
	parents bool
}

// errForeign is of a Dockerfile in another language than BuildKit's own.
var errForeign = errors.New("the Dockerfile is for another frontend")

// stagesOf gives the stages that the target of a spec is built of, for a platform, each
// after what it needs.
func stagesOf(s Spec, text []byte, platform v1.Platform) ([]*stage, error) {
	if syntax, _, _, named := parser.DetectSyntax(text); named && !strings.Contains(syntax, "docker/dockerfile") {
		return nil, fmt.Errorf("%w: %s", errForeign, syntax)
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	written, arguments, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	r := reader{lex: shell.NewLex(parsed.EscapeToken), given: s.BuildArgs, global: platformArguments(platform)}
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
		return nil, fmt.Errorf("there is no stage %s", s.Target)
	}
	needed := map[*stage]bool{all[target]: true}
	for _, one := range slices.Backward(all[:target+1]) { // a stage needs earlier ones only
		if needed[one] {
			needed[one.base] = true
			for _, t := range one.takes {
				needed[t.from] = true
			}
		}
	}
	return slices.DeleteFunc(all[:target+1], func(one *stage) bool { return !needed[one] }), nil
}

// platformArguments are the ones that BuildKit gives to all Dockerfiles.
func platformArguments(p v1.Platform) map[string]string {
	all := map[string]string{}
	for _, prefix := range []string{"TARGET", "BUILD"} {
		all[prefix+"PLATFORM"], all[prefix+"OS"], all[prefix+"ARCH"], all[prefix+"VARIANT"] = p.String(), p.OS, p.Architecture, p.Variant
	}
	return all
}

// reader reads the instructions of a Dockerfile.
type reader struct {
	lex           *shell.Lex
	given, global map[string]string
}

func (r reader) expand(word string, env map[string]string) (string, error) {
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	word, _, err := r.lex.ProcessWord(word, shell.EnvsFromSlice(pairs))
	return word, err
}

// argument sets what an ARG declares: what is given, its own default, or what stands
// before the first FROM.
func (r reader) argument(env, global map[string]string, a instructions.ArgCommand) {
	for _, one := range a.Args {
		value, given := r.given[one.Key]
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
	}
	for _, c := range commands {
		if err := r.command(one, c, earlier); err != nil {
			return nil, err
		}
	}
	return one, nil
}

// named gives the stage of a name, or of a number; nil for an image.
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
	from := func(t take, name string) {
		if t.from = named(earlier, name); t.from != nil || name == "" {
			one.takes = append(one.takes, t)
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
		from(take{sources: c.SourcePaths, excluded: c.ExcludePatterns, parents: c.Parents, to: one.destination(c.SourcesAndDest)}, c.From)
	case *instructions.AddCommand:
		files := slices.DeleteFunc(slices.Clone(c.SourcePaths), isAddress)
		from(take{sources: files, excluded: c.ExcludePatterns, to: one.destination(c.SourcesAndDest)}, "")
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if m.Type == instructions.MountTypeBind {
				from(take{sources: []string{m.Source}}, m.From)
			}
		}
	}
	return nil
}

// isAddress tells whether a source of ADD is one of the network.
func isAddress(source string) bool {
	return strings.Contains(source, "://") || strings.HasPrefix(source, "git@")
}

// destination is where a COPY puts its files: a path that ends with a slash where it is
// surely a directory.
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
