// Package lint checks Polyaxonfiles before anything is built or sent. It finds what a
// Polyaxon server of a version would refuse or fail, and mistakes that no server reports.
// Each finding has a rule with a name and a section in docs/lints.md, and can be silenced
// by a comment:
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

// Options control what a file is checked against.
type Options struct {
	// Versions are the versions of Polyaxon to check for. If it is empty, KnownVersions is
	// used.
	Versions []schema.Version
	// ImageGiven means that slipway.yaml sets an image for the file's job.
	ImageGiven bool
	// Expanded means that slipway creates the runs of the file's matrix, so that no server sees
	// the matrix.
	Expanded bool
	// Params are the names of inputs that slipway.yaml sets.
	Params []string
	// CommonParams are those of Params that every job of the file gets.
	CommonParams []string
	// Cluster reports what exists where the run goes. If it is nil, that is not checked.
	Cluster Inventory
	// Reader follows references. The zero Reader follows only references to files.
	Reader file.Reader
	// Secrets learns the credentials that the file contains, so that printed findings can be
	// masked. It may be nil.
	Secrets secret.Learner
}

// KnownVersions returns the releases whose behaviour was determined by experiment: the
// last of 1.11, and 2.18. The releases between them behave like one of the two.
func KnownVersions() []schema.Version {
	return []schema.Version{{Major: 1, Minor: 11, Patch: 3}, {Major: 2, Minor: 18}}
}

// Finding is something that a rule found. Its texts and its line are unmasked: they may
// contain credentials of the file.
type Finding struct {
	source.Error
	// Rule is the name of the rule.
	Rule     string
	Severity file.Severity
	Stage    file.Stage
	// Length is the number of characters at fault from the position on, or 0 when it is not
	// known.
	Length int
	// Line is the text of the line at the position.
	Line string
	// Versions are the checked versions for which the finding holds.
	Versions []schema.Version
	fix      fix
	// fromRule means that the finding comes from a rule's check, not from the schema.
	fromRule bool
}

// Fixable reports whether Fix can fix the finding.
func (f *Finding) Fixable() bool { return f.fix != nil }

// Check returns the findings in a file, in the order of their positions. If the cluster
// cannot be asked, for example because ctx is cancelled, its rules find nothing.
func Check(ctx context.Context, f *file.File, o Options) []Finding {
	return finish(ctx, f, nil, o)
}

// finish checks a file. problems are those that reading the file found.
func finish(ctx context.Context, f *file.File, problems []file.Problem, o Options) []Finding {
	if len(o.Versions) == 0 {
		o.Versions = KnownVersions()
	}
	c := &collection{index: map[findingKey]int{}}
	for _, version := range o.Versions {
		found := problems
		if f.Root() != nil {
			found = slices.Concat(problems, check.Validate(f, version))
		}
		if o.Expanded { // no server sees the matrix
			found = slices.DeleteFunc(slices.Clone(found), func(p file.Problem) bool {
				return p.Name == "newer-key" && slices.Contains(p.Path, "matrix")
			})
		}
		for i := range found {
			c.add(problem(f, &found[i]), version)
		}
	}
	if f.Root() != nil && !check.IsVersion0(f) {
		table, known := rules(), newCache()
		applyRules(ctx, f, o, table, known, c)
		compileAll(ctx, f, o, table, known, c)
	}
	all := suppress(f, c.all)
	for i := range all {
		all[i].Line = f.Line(all[i].Position)
		// A failure of slipway itself is not a finding about the file: keep its cause.
		if fault := new(panics.Error); errors.As(all[i].Err, &fault) {
			all[i].Err = fault
		} else {
			all[i].Err = nil
		}
	}
	order(all)
	return all
}

// applyRules runs the rules of a table. It runs those that depend on the version for each
// version, and the others once.
func applyRules(ctx context.Context, f *file.File, o Options, table []Rule, known *cache, c *collection) {
	for _, u := range units(f) {
		for n, version := range o.Versions {
			p := &pass{Context: ctx, unit: u, file: f, version: version, options: o, cache: known}
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
					c.addFromRule(found, versions...)
				}
				p.findings = p.findings[:0]
			}
		}
	}
}

// compileAll compiles the file for those versions for which no other errors were found.
func compileAll(ctx context.Context, f *file.File, o Options, table []Rule, known *cache, c *collection) {
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
		p := &pass{Context: ctx, unit: own, file: f, version: version, options: o, cache: known, rule: table[rule]}
		p.compile()
		for _, found := range p.findings {
			c.addFromRule(found, version)
		}
	}
}

// maxFindings is the maximum number of findings in a file. Nobody reads more of them one
// by one.
const maxFindings = 1000

// collection holds each finding once, with its versions.
type collection struct {
	all   []Finding
	index map[findingKey]int
}

// findingKey identifies a finding. An empty message stands for all findings of a rule at a
// position.
type findingKey struct {
	source.Position
	rule, message string
}

// addFromRule adds the finding of a rule, unless the schema has already reported the same. A
// rule may examine the same thing more closely than the schema.
func (c *collection) addFromRule(found Finding, versions ...schema.Version) {
	n, told := c.index[findingKey{found.Position, found.Rule, ""}]
	for _, version := range versions {
		if !told || !slices.Contains(c.all[n].Versions, version) || c.all[n].Message == found.Message || c.all[n].fromRule {
			found.fromRule = true
			c.add(found, version)
		}
	}
}

// add adds a finding, or adds the version to an identical finding.
func (c *collection) add(found Finding, version schema.Version) {
	key := findingKey{found.Position, found.Rule, found.Message}
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
	if _, ok := c.index[findingKey{found.Position, found.Rule, ""}]; !ok {
		c.index[findingKey{found.Position, found.Rule, ""}] = len(c.all)
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

// problem converts a problem of reading or validating a file to a finding.
func problem(f *file.File, x *file.Problem) Finding {
	p := &pass{file: f}
	return Finding{Error: x.Error, Rule: x.Name, Severity: x.Severity, Stage: x.Stage, Length: p.length(x.Position), fix: schemaFix(f, x)}
}
