// Package lint finds what is wrong, or looks wrong, with Polyaxonfiles before
// anything is built or sent: what a Polyaxon server of a version would refuse or
// fail, and what none tells. Each finding has a rule with a name, a section of
// docs/lints.md, and can be silenced by a comment:
//
//	# slipway:ignore mutable-image
package lint

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Options say what a file is checked against.
type Options struct {
	// Versions of Polyaxon to check as; KnownVersions when it is empty.
	Versions []schema.Version
	// ImageGiven tells that slipway.yaml gives the file's job an image.
	ImageGiven bool
	// Expanded tells that slipway makes the runs of the file's matrix, so that no server
	// sees it.
	Expanded bool
	// Params are the names of inputs that slipway.yaml gives values to.
	Params []string
	// Given are those of them that every job of the file gets.
	Given []string
	// Cluster tells what there is where the run will be; nil asks nobody.
	Cluster Inventory
	// Reader follows references; the zero Reader those to files only.
	Reader file.Reader
	// Secrets is told the credentials that stand in the file, for whoever prints
	// findings; nil is told nothing.
	Secrets secret.Learner
}

// KnownVersions are the releases whose behaviour is known by experiment: the last
// of 1.11, and 2.18. What lies between behaves as one of them.
func KnownVersions() []schema.Version {
	return []schema.Version{{Major: 1, Minor: 11, Patch: 3}, {Major: 2, Minor: 18}}
}

// Finding is one thing that a rule found. Its texts and its line are as they stand in
// the file, credentials too.
type Finding struct {
	source.Error
	// Rule is the name of its rule.
	Rule     string
	Severity file.Severity
	Stage    file.Stage
	// Length is how many characters from the position on are at fault, 0 when that is
	// not known.
	Length int
	// Line is the text of the line at fault.
	Line string
	// Versions are those it is for; all that were checked, unless fewer.
	Versions []schema.Version
	fix      fix
	// ruled tells that it is a rule's own, rather than the schema's.
	ruled bool
}

// Fixable tells whether Fix mends it.
func (f *Finding) Fixable() bool { return f.fix != nil }

// Check gives what the rules find in a file, in its order. Where the cluster
// cannot be asked, because ctx ended for one, its rules find nothing.
func Check(ctx context.Context, f *file.File, o Options) []Finding {
	return finish(ctx, f, nil, o)
}

// finish checks a file in which reading found problems already.
func finish(ctx context.Context, f *file.File, problems []file.Problem, o Options) []Finding {
	if len(o.Versions) == 0 {
		o.Versions = KnownVersions()
	}
	c := &collection{index: map[place]int{}}
	for _, version := range o.Versions {
		found := problems
		if f.Root() != nil {
			found = slices.Concat(problems, check.Validate(f, version))
		}
		for i := range found {
			c.add(problem(f, &found[i]), version)
		}
	}
	if f.Root() != nil && !check.IsVersion0(f) {
		applyRules(ctx, f, o, c)
	}
	all := silence(f, c.all)
	for i := range all {
		all[i].Line = f.Line(all[i].Position)
		if fault := new(panics.Error); errors.As(all[i].Err, &fault) { // of slipway, which is no finding
			all[i].Err = fault
		} else {
			all[i].Err = nil
		}
	}
	order(all)
	return all
}

// applyRules runs all rules: for each version those that differ by it, once the others.
func applyRules(ctx context.Context, f *file.File, o Options, c *collection) {
	table, templates := rules(), map[string]parsed{}
	for _, u := range units(f) {
		for n, version := range o.Versions {
			p := &pass{Context: ctx, unit: u, file: f, version: version, options: o, parsed: templates}
			for _, r := range table {
				differs := r.versions != nil || r.byVersion
				if r.check == nil || r.versions != nil && !r.versions(version) || !differs && n > 0 {
					continue
				}
				p.rule = r
				r.check(p)
				versions := []schema.Version{version}
				if !differs {
					versions = o.Versions
				}
				for _, found := range p.findings {
					c.look(found, versions...)
				}
				p.findings = p.findings[:0]
			}
		}
	}
	compileAll(ctx, f, o, table, templates, c)
}

// compileAll compiles the file for the versions on which nothing is wrong with it
// otherwise.
func compileAll(ctx context.Context, f *file.File, o Options, table []Rule, templates map[string]parsed, c *collection) {
	component, path := f.Component()
	own := unit{component: component, path: path}
	if f.IsOperation() {
		own.operation = f.Root()
	}
	own.find()
	rule := slices.IndexFunc(table, func(r Rule) bool { return r.Name == compileRule })
	for _, version := range o.Versions {
		if component == nil || slices.ContainsFunc(c.all, func(found Finding) bool {
			return found.Severity == file.SeverityError && slices.Contains(found.Versions, version)
		}) {
			continue
		}
		p := &pass{Context: ctx, unit: own, file: f, version: version, options: o, parsed: templates, rule: table[rule]}
		p.compile()
		for _, found := range p.findings {
			c.look(found, version)
		}
	}
}

// maxFindings is how many findings a file may have: who has so many does not read
// them one by one.
const maxFindings = 1000

// collection holds each finding once, with its versions.
type collection struct {
	all   []Finding
	index map[place]int
}

// place tells findings apart. The message is empty for what stands for all of a
// rule's findings at a position.
type place struct {
	source.Position
	rule, message string
}

// look adds what a rule found, unless the schema has told it already: a rule may
// look closer at the same thing.
func (c *collection) look(found Finding, versions ...schema.Version) {
	n, told := c.index[place{found.Position, found.Rule, ""}]
	for _, version := range versions {
		if !told || !slices.Contains(c.all[n].Versions, version) || c.all[n].Message == found.Message || c.all[n].ruled {
			found.ruled = true
			c.add(found, version)
		}
	}
}

// add adds a finding, or the version to one that is there.
func (c *collection) add(found Finding, version schema.Version) {
	key := place{found.Position, found.Rule, found.Message}
	if n, ok := c.index[key]; ok {
		if !slices.Contains(c.all[n].Versions, version) {
			c.all[n].Versions = append(c.all[n].Versions, version)
		}
		return
	}
	if len(c.all) >= maxFindings {
		return
	}
	found.Versions = []schema.Version{version}
	c.index[key] = len(c.all)
	if _, ok := c.index[place{found.Position, found.Rule, ""}]; !ok {
		c.index[place{found.Position, found.Rule, ""}] = len(c.all)
	}
	c.all = append(c.all, found)
}

func order(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		if a.Position.Line != b.Position.Line {
			return a.Position.Line - b.Position.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Rule, b.Rule)
	})
}

// problem makes a finding of what reading a file found.
func problem(f *file.File, x *file.Problem) Finding {
	p := &pass{file: f}
	return Finding{Error: x.Error, Rule: x.Name, Severity: x.Severity, Stage: x.Stage, Length: p.length(x.Position), fix: schemaFix(f, x)}
}
