package lint

import (
	"slices"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// Rule describes one kind of problem that is checked for.
type Rule struct {
	// Name is in kebab-case and never changes.
	Name     string
	Severity file.Severity
	// Stage is the stage at which Polyaxon would find the problem. It is StageAdvice if
	// Polyaxon never would.
	Stage file.Stage
	// Summary describes the problem in one line. Help says why it matters and what to do.
	Summary, Help string

	// versions reports whether the rule applies to a release of Polyaxon. nil means all
	// releases.
	versions func(schema.Version) bool
	// byVersion means that the findings depend on the version.
	byVersion bool
	// check checks one unit. It is nil for problems that are found elsewhere.
	check func(*pass)
}

// Rules returns all rules, sorted by name.
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

// rules returns all rules by subject.
func rules() []Rule {
	return slices.Concat(
		schemaRules(), templateRules(), paramRules(), commandRules(), containerRules(), imageRules(), resourceRules(), volumeRules(), metadataRules(),
		retypeRules(), credentialRules(), serviceRules(), terminationRules(), matrixRules(), valueRules(), scheduleRules(), graphRules(), referenceRules(), platformRules(), podRules(), clusterRules(), commentRules(), compileRules(),
	)
}

// before2 and since2 distinguish the releases that behave differently.
func before2(v schema.Version) bool { return v.Before(schema.Version{Major: 2}) }
func since2(v schema.Version) bool  { return !before2(v) }
