// Package lint finds what is wrong, or looks wrong, with Polyaxonfiles before
// anything is built or sent: what a Polyaxon server of a version would refuse or
// fail, and what none tells. Each finding has a rule with a name, a section of
// docs/lints.md, and can be silenced by a comment:
//
//	# slipway:ignore mutable-image
package lint

import (
	"context"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/source"
)

// Options say what a file is checked against.
type Options struct {
	// Versions of Polyaxon to check as; KnownVersions when it is empty.
	Versions []polyaxonfile.Version
	// ImageGiven tells that slipway.yaml gives the file's job an image.
	ImageGiven bool
	// Cluster tells what there is where the run will be; nil asks nobody.
	Cluster Inventory
	// Reader follows references; the zero Reader those to files only.
	Reader polyaxonfile.Reader
}

// KnownVersions are the releases whose behaviour is known by experiment: the last
// of 1.11, and 2.18. What lies between behaves as one of them.
func KnownVersions() []polyaxonfile.Version {
	return []polyaxonfile.Version{{Major: 1, Minor: 11, Patch: 3}, {Major: 2, Minor: 18}}
}

// Finding is one thing that a rule found. Its texts and its line hold no
// credentials that the rules know of.
type Finding struct {
	source.Error
	// Rule is the name of its rule.
	Rule     string
	Severity polyaxonfile.Severity
	Stage    polyaxonfile.Stage
	// Length is how many characters from the position on are at fault, 0 when that is
	// not known.
	Length int
	// Line is the text of the line at fault.
	Line string
	// Versions are those it is for; all that were checked, unless fewer.
	Versions []polyaxonfile.Version
	fix      fix
}

// Fixable tells whether Fix mends it.
func (f *Finding) Fixable() bool { return f.fix != nil }

// Check gives what the rules find in a file, in its order. Where the cluster
// cannot be asked, because ctx ended for one, its rules find nothing.
func Check(ctx context.Context, f *polyaxonfile.File, o Options) []Finding {
	return finish(ctx, f, nil, o, secret.NewMasker())
}

// finish checks a file in which reading found problems already.
func finish(ctx context.Context, f *polyaxonfile.File, problems []polyaxonfile.Problem, o Options, masker *secret.Masker) []Finding {
	if len(o.Versions) == 0 {
		o.Versions = KnownVersions()
	}
	var all []Finding
	for _, version := range o.Versions {
		found := problems
		if f.Root() != nil {
			found = slices.Concat(problems, f.Validate(version))
		}
		for i := range found {
			all = merge(all, problem(f, &found[i]), version)
		}
		told := len(all)
		for _, found := range check(ctx, f, version, o, masker) {
			// A rule may look closer at what the schema has told already.
			if !slices.ContainsFunc(all[:told], func(f Finding) bool {
				return f.Rule == found.Rule && f.Position == found.Position && slices.Contains(f.Versions, version)
			}) {
				all = merge(all, found, version)
			}
		}
	}
	all = silence(f, all)
	for i := range all {
		mask(masker, f, &all[i])
	}
	order(all)
	return all
}

// check runs all rules for one version.
func check(ctx context.Context, f *polyaxonfile.File, version polyaxonfile.Version, o Options, masker *secret.Masker) []Finding {
	if f.Root() == nil {
		return nil
	}
	var findings []Finding
	table, templates := rules(), map[string]parsed{}
	for _, u := range units(f) {
		p := &pass{Context: ctx, unit: u, file: f, version: version, options: o, masker: masker, parsed: templates}
		for _, r := range table {
			if r.check != nil && (r.versions == nil || r.versions(version)) {
				p.rule = r
				r.check(p)
			}
		}
		findings = append(findings, p.findings...)
	}
	return findings
}

// merge adds a finding, or the version to one that is there.
func merge(all []Finding, found Finding, version polyaxonfile.Version) []Finding {
	for i := range all {
		same := &all[i]
		if same.Position == found.Position && same.Rule == found.Rule && same.Message == found.Message {
			if !slices.Contains(same.Versions, version) {
				same.Versions = append(same.Versions, version)
			}
			return all
		}
	}
	found.Versions = []polyaxonfile.Version{version}
	return append(all, found)
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

// mask takes credentials out of all that is shown of a finding.
func mask(m *secret.Masker, f *polyaxonfile.File, found *Finding) {
	found.Line = m.Mask(f.Line(found.Position))
	found.Message, found.Hint, found.Err = m.Mask(found.Message), m.Mask(found.Hint), nil
}

// problem makes a finding of what reading a file found.
func problem(f *polyaxonfile.File, x *polyaxonfile.Problem) Finding {
	p := &pass{file: f}
	return Finding{Error: x.Error, Rule: x.Name, Severity: x.Severity, Stage: x.Stage, Length: p.length(x.Position), fix: schemaFix(f, x)}
}
