package lint

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Rule is one thing that check looks for.
type Rule struct {
	// Name is kebab-case, and stays.
	Name     string
	Severity file.Severity
	// Stage is when Polyaxon would find it: StageAdvice where it never would.
	Stage file.Stage
	// Summary says in one line what is found, Help why it matters and what to do.
	Summary, Help string

	// versions tells for which of Polyaxon's releases it is, nil for all.
	versions func(schema.Version) bool
	// byVersion tells that what it finds depends on the version.
	byVersion bool
	// check looks for it in one unit; nil for what is found elsewhere.
	check func(*pass)
}

// Rules gives all rules, by name.
func Rules() []Rule {
	all := rules()
	slices.SortFunc(all, func(a, b Rule) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// rules gives all rules by subject.
func rules() []Rule {
	return slices.Concat(
		schemaRules(), templateRules(), paramRules(), commandRules(), containerRules(), imageRules(), resourceRules(), volumeRules(), metadataRules(),
		retypeRules(), credentialRules(), serviceRules(), terminationRules(), matrixRules(), valueRules(), scheduleRules(), graphRules(), referenceRules(), platformRules(), podRules(), clusterRules(), commentRules(), compileRules(),
	)
}

// The releases that differ.
func before2(v schema.Version) bool { return v.Before(schema.Version{Major: 2}) }
func since2(v schema.Version) bool  { return !before2(v) }
