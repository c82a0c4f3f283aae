package polyaxonfiletest

// TableDifference is a known disagreement between slipway and Polyaxon's parser about the
// keys of a file. Why says in which way they disagree.
type TableDifference struct {
	// Keys have the form OBJECT.KEY, OBJECT.* or OBJECT.KEY = VALUE. The OBJECT * stands for
	// all objects.
	Keys []string
	Why  string
}

// TableDifferences returns all known differences. The test fails when anything else
// differs, and when one of these does not.
func TableDifferences() []TableDifference {
	return []TableDifference{
		{[]string{"rangeValue.*", "spaceValue.*", "logSpaceValue.*", "qnormalValue.q", "quniformValue.q", "dateRangeValue.step", "hpPChoice(pchoice).value"},
			"The parser refuses a search space that is empty or reversed. slipway's tables do not; the rule bad-hyperparameter does."},
		{[]string{"dateRangeValue.start"}, "The parser accepts a number of seconds since 1970 that is a whole number of days. slipway requires a date."},
		{[]string{"dateTimeRangeValue.start", "dateTimeRangeValue.stop", "dateTimeRangeValue.step"},
			"The parser refuses a range where only one end has a time zone, and a step that is longer than the range."},
		{[]string{"medianPolicy(median).evaluationInterval = null", "tpe(tpe).numRuns = null"}, "An optional key is refused when it has no value."},
		{[]string{"hpChoice(choice).value = null", "hpDateTimeRange(datetimerange).value = null", "dag(dag).operations = null"}, "A required key is accepted without a value; an empty search and an empty dag are mistakes."},
		{[]string{"environment.dnsConfig = {}", "environment.dns_config = the smallest"}, "An empty dnsConfig is refused, but other empty objects of Kubernetes are not."},
		{[]string{"* = 99999999999999999999"}, "The parser refuses a time after the year 9999."},
		{[]string{"dockerfile.image"}, "The parser checks the name of an image. slipway's tables do not; the rule bad-image does for containers."},
	}
}

// TableDifferences1 returns all known differences to Polyaxon 1.11.3.
func TableDifferences1() []TableDifference {
	return []TableDifference{
		{[]string{"rangeValue.*", "spaceValue.*", "logSpaceValue.*", "qnormalValue.*", "quniformValue.*", "uniformValue.*", "normalValue.*", "hpPChoice(pchoice).value", "hpChoice(choice).value = [null]"},
			"The parser refuses a search space that is empty or reversed, and takes true and texts as numbers. slipway's tables do not; the rule bad-hyperparameter does the first."},
		{[]string{"io.value"}, "The parser refuses an input that has a value and is not optional. slipway's tables do not; the rule default-not-optional does."},
		{[]string{"* = 2021-01-02", "* = 2021-01-02 10:00:00"}, "The parser fails on a date without quotes within Kubernetes' objects; slipway says that the run fails."},
		{[]string{"* = [null]"}, "A null element is accepted in the list of presets and refused in that of options."},
		{[]string{"environment.labels", "environment.annotations", "environment.nodeSelector"}, "A null label, and one whose key is a number, are accepted; Kubernetes refuses the result."},
		{[]string{"* = null"}, "Some required keys are accepted without a value, which is a mistake, and some optional keys are not."},
		{[]string{"dockerfile.image"}, "The parser checks the name of an image. slipway's tables do not."},
		{[]string{"* = 99999999999999999999"}, "The number is too large."},
		{[]string{"bayes(bayes).numInitialRuns", "hyperband(hyperband).eta", "interval(interval).frequency = true"}, "A number of runs below 1, an eta below 0, and true for a number of seconds, which are mistakes."},
		{[]string{"component.template = {}", "build.runPatch = {a: null}"}, "An empty template, and a patch of nothing."},
	}
}
