package polyaxonfile

import (
	"path/filepath"
	"testing"

	"github.com/slipway-ci/slipway/internal/testbed"
)

// TestTablesAgreeWithTheParserOfPolyaxon1 is TestTablesAgreeWithThePolyaxonParser
// for 1.11.3.
func TestTablesAgreeWithTheParserOfPolyaxon1(t *testing.T) {
	agree(t, version1, 500, tableDifferences1(), func(texts []string, verdicts any) {
		testbed.Oracle1(t, filepath.Join("testdata", "schema", "verdicts1.py"), texts, verdicts)
	})
}

// tableDifferences1 are all that are known of 1.11.3.
func tableDifferences1() []tableDifference {
	return []tableDifference{
		{[]string{"rangeValue.*", "spaceValue.*", "logSpaceValue.*", "qnormalValue.*", "quniformValue.*", "uniformValue.*", "normalValue.*", "hpPChoice(pchoice).value", "hpChoice(choice).value = [null]"},
			"The parser refuses a search space that is empty or upside down, and takes true and texts as numbers. slipway's tables do not; the rule bad-hyperparameter does the first."},
		{[]string{"io.value"}, "The parser refuses an input that has a value and is not optional. slipway's tables do not; the rule default-not-optional does."},
		{[]string{"* = 2021-01-02", "* = 2021-01-02 10:00:00"}, "The parser fails on a date without quotes within Kubernetes' objects; slipway says that the run fails."},
		{[]string{"* = [null]"}, "An element that is nothing is taken in the list of presets and refused in that of options."},
		{[]string{"environment.labels", "environment.annotations", "environment.nodeSelector"}, "A label that is nothing, and one whose key is a number, are taken; Kubernetes refuses what comes of them."},
		{[]string{"* = null"}, "Some keys that must be there are taken without a value, which cannot be meant, and some that need not be there are not."},
		{[]string{"dockerfile.image"}, "The parser takes the name of an image apart. slipway's tables do not."},
		{[]string{"* = 99999999999999999999"}, "A number that no computer counts to."},
		{[]string{"bayes(bayes).numInitialRuns", "hyperband(hyperband).eta", "interval(interval).frequency = true"}, "A number of runs below 1, an eta below 0, and true for a number of seconds, which cannot be meant."},
		{[]string{"component.template = {}", "build.runPatch = {a: null}"}, "An empty template, and a patch of nothing."},
	}
}
