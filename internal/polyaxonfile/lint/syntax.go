package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/file"

// schemaRules returns the rules for the problems that are found by reading a file and by
// validating it for a version.
func schemaRules() []Rule {
	rule := func(name, summary, help string) Rule {
		return Rule{Name: name, Severity: file.SeverityError, Stage: file.StageSubmit, Summary: summary, Help: help}
	}
	return []Rule{
		rule("not-yaml", "The text cannot be read", "The file is not YAML, not UTF-8, too large, or holds several documents. The position is where Polyaxon itself would stop reading; what does not close is named by its line: a quote, a bracket."),
		rule("polyaxon-0", "A file of Polyaxon 0.x", "Polyaxon 1.0 came with another kind of file, and neither it nor any later version reads the old one. What was `hptuning` is the `matrix` of an operation, `run.cmd` is `command` and `args` of a container, and what `build` said is one of the images of slipway.yaml."),
		rule("repeated-key", "A key stands twice in a mapping", "Polyaxon silently takes the last. Remove one of them."),
		rule("unknown-key", "A key that the version does not know", "The server refuses the operation. Most often it is a typo, or the key stands a level too high or too low."),
		rule("missing-key", "A key that must be there", "The server refuses the operation without it."),
		rule("wrong-type", "A value of the wrong type", "A text where a list belongs, a number where a text does. Some servers let wrong types of Kubernetes' keys pass, and the run fails when its pod is made."),
		rule("bad-quantity", "No quantity of Kubernetes", "Write 500m, 2, 512Mi or 4Gi: there is no `GB`, and no space before the unit."),
		rule("bad-name", "A name with signs that Polyaxon refuses", "Names have letters, digits, - and _ only."),
		rule("unknown-type", "A type that inputs do not have", "Types are int, float, bool, str, list, dict, path, uri, date, uuid, image, artifacts, git and some more. A typo makes the server refuse the operation."),
		rule("unknown-kind", "A kind that Polyaxon does not have", "`kind` of a file is component or operation, that of a run job, service, dag, tfjob, pytorchjob, mpijob and, by version, some more."),
		rule("several-components", "An operation with two components", "An operation has one of component, pathRef, urlRef, hubRef and dagRef."),
		rule("unresolved-reference", "A component that cannot be read", "The component that pathRef, urlRef or hubRef names is not there, cannot be fetched, or is no component."),
		rule("newer-key", "A key or a kind that came with a later version", "The server refuses the operation. Leave the key out, or upgrade Polyaxon."),
		rule("removed-key", "A key or a kind that an earlier version had", "The server refuses the operation: what the key did has another name by now, or is gone."),
		rule("bad-value", "A value that is none of a few words", "A policy, a trigger or an operator has one of a few values, spelled exactly so. What Polyaxon does not hold against its list, Kubernetes does when the pod is made."),
		rule("key-no-text", "A key that YAML reads as a number or as true", "YAML 1.1 reads on, yes, no and numbers as no text, and Polyaxon wants text as a key. Put it in quotes."),
		rule("several-initializers", "An element of init that does several things", "An element of init has one of artifacts, paths, git, file, dockerfile, tensorboard and the references. Make an element for each."),
		rule("only-for-services", "What only a service has", "The shortcut ports and the plugins sandbox and ssh are for runs of kind service."),
		rule("grid-of-distribution", "A grid over a distribution", "A grid goes through all values, and a uniform, a normal or a pchoice has none to go through. Use matrix kind random, or a choice, a range or a space."),
		rule("missing-kind", "No kind: component or kind: operation", "Polyaxon before 2.18 refuses a file without kind."),
		rule("reserved-input", "An input called globals, params or connections", "Templates have variables of these names. The server refuses the operation."),
		rule("flag-no-bool", "A flag that is no bool", "isFlag makes of an input an argument --NAME that is there or is not: only a bool can be one."),
		rule("default-of-required", "A default value of an input that is not optional", "With a default value the input is optional. Polyaxon refuses isOptional: false beside one."),
		rule("unquoted-date", "A date without quotes, on Polyaxon 1.11", "YAML makes a date of 2021-01-02, and Polyaxon 1.11 fails to send it. Put it in quotes. 2.x makes text of it."),
		{Name: "no-json-number", Severity: file.SeverityError, Stage: file.StageAdvice, Summary: "A number that JSON does not have",
			Help: "Operations are sent as JSON, which has no infinity and no NaN. Write the text in quotes, for the program to read."},
		{Name: "loose-type", Severity: file.SeverityWarning, Stage: file.StageAdvice, Summary: "A value that Polyaxon converts",
			Help: "A number in quotes where a number belongs, or 1 for true. Polyaxon converts it, another version of it may not."},
		{Name: "key-spelling", Severity: file.SeverityWarning, Stage: file.StageAdvice, Summary: "A key in snake_case",
			Help: "Polyaxon takes image_pull_policy in the outermost keys of a container or a volume, and not below; Polyaxon 2 takes its own keys so too, max_retries for maxRetries, and Polyaxon 1 refuses them. Write keys as the reference does."},
		rule("version-missing", "No version: 1.1", "Polyaxon 1.11 refuses a file without `version: 1.1`. 2.x does not need it, and takes it."),
		rule("version-unknown", "A version other than 1.1", "The version of the file's format is 1.1 for every Polyaxon from 1.11 to 2.18."),
	}
}
