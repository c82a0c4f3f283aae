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
			"The parser refuses a search space that is empty or upside down. slipway's tables do not; the rule bad-hyperparameter does."},
		{[]string{"dateRangeValue.start"}, "The parser takes a number as a day where it is seconds since 1970 that make whole days. slipway wants a date."},
		{[]string{"dateTimeRangeValue.start", "dateTimeRangeValue.stop", "dateTimeRangeValue.step"},
			"The parser refuses a range of which one end has a time zone and the other has none, and a step beyond the range."},
		{[]string{"medianPolicy(median).evaluationInterval = null", "tpe(tpe).numRuns = null"}, "A key that need not be there is refused when it is there without a value."},
		{[]string{"hpChoice(choice).value = null", "hpDateTimeRange(datetimerange).value = null", "dag(dag).operations = null"}, "A key that must be there is taken without a value; a search over nothing and a dag of nothing cannot be meant."},
		{[]string{"environment.dnsConfig = {}", "environment.dns_config = the smallest"}, "An empty dnsConfig is refused, which no other empty object of Kubernetes is."},
		{[]string{"* = 99999999999999999999"}, "The parser refuses a moment in more than 9999 years."},
		{[]string{"dockerfile.image"}, "The parser takes the name of an image apart. slipway's tables do not; the rule bad-image does for containers."},
	}
}

// TableDifferences1 returns all known differences to Polyaxon 1.11.3.
func TableDifferences1() []TableDifference {
	return []TableDifference{
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
