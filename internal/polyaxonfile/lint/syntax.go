package lint

import "github.com/slipway-ci/slipway/internal/polyaxonfile/file"

// schemaRules returns the rules for the problems that are found by reading a file and by
// validating it for a version.
func schemaRules() []Rule {
	rule := func(name, summary, help string) Rule {
		return Rule{Name: name, Severity: file.SeverityError, Stage: file.StageSubmit, Summary: summary, Help: help}
	}
	return []Rule{
		rule("not-yaml", "The file is not valid YAML", "The file is not YAML, not UTF-8, too large, or holds several documents. The position is where Polyaxon itself would stop reading. For a quote or a bracket that is not closed, the message has its line."),
		rule("polyaxon-0", "A file of Polyaxon 0.x", "Polyaxon 1.0 changed the format of its files, and no version since then reads the old one. `hptuning` became the `matrix` of an operation, and `run.cmd` became `command` and `args` of a container. Instead of `build`, declare an image in slipway.yaml."),
		rule("repeated-key", "A duplicate key in a mapping", "Polyaxon silently uses the last one. Remove one of them."),
		rule("unknown-key", "A key that this version of Polyaxon does not have", "The server refuses the operation. Usually it is a typo, or the key is a level too high or too low."),
		rule("missing-key", "A required key is missing", "The server refuses the operation without it."),
		rule("wrong-type", "A value of the wrong type", "A text where a list belongs, or a number where a text belongs. Some servers accept wrong types in the keys of Kubernetes, and the run fails when its pod is created."),
		rule("bad-quantity", "Not a valid Kubernetes quantity", "Write 500m, 2, 512Mi or 4Gi: there is no `GB`, and no space before the unit."),
		rule("bad-name", "A name with characters that Polyaxon refuses", "Names have letters, digits, - and _ only."),
		rule("unknown-type", "An unknown type of an input or output", "Types are int, float, bool, str, list, dict, path, uri, date, uuid, image, artifacts, git and some more. A typo makes the server refuse the operation."),
		rule("unknown-kind", "An unknown kind", "`kind` of a file is component or operation, that of a run job, service, dag, tfjob, pytorchjob, mpijob and, by version, some more."),
		rule("several-components", "An operation with two components", "An operation must have only one of component, pathRef, urlRef, hubRef and dagRef."),
		rule("unresolved-reference", "A component that cannot be read", "The component that pathRef, urlRef or hubRef names is not found, cannot be downloaded, or is not a component."),
		rule("newer-key", "A key or a kind that was added in a later version", "The server refuses the operation. Leave the key out, or upgrade Polyaxon."),
		rule("removed-key", "A key or a kind that was removed", "The server refuses the operation: the key was renamed or removed."),
		rule("bad-value", "A value that is not one of the allowed values", "A policy, a trigger or an operator must be one of a few values, spelled exactly. Where Polyaxon does not check the value, Kubernetes does when the pod is created."),
		rule("key-no-text", "A key that YAML reads as a number or a boolean", "YAML 1.1 does not read on, yes, no and numbers as text, and Polyaxon requires text as a key. Put it in quotes."),
		rule("several-initializers", "An element of init that does several things", "An element of init must have only one of artifacts, paths, git, file, dockerfile, tensorboard and the references. Write an element for each."),
		rule("only-for-services", "A key that only a service can have", "The shortcut ports and the plugins sandbox and ssh are for runs of kind service."),
		rule("grid-of-distribution", "A grid over a distribution", "A grid enumerates all values, and those of a uniform, a normal or a pchoice cannot be enumerated. Use matrix kind random, or a choice, a range or a space."),
		rule("missing-kind", "No kind: component or kind: operation", "Polyaxon before 2.18 refuses a file without kind."),
		rule("reserved-input", "An input called globals, params or connections", "Templates have variables of these names. The server refuses the operation."),
		rule("flag-no-bool", "A flag that is not a bool", "isFlag turns an input into an argument --NAME that is passed or left out: only a bool can be one."),
		rule("default-of-required", "A default value of an input that is not optional", "With a default value the input is optional. Polyaxon refuses isOptional: false with one."),
		rule("unquoted-date", "A date without quotes, on Polyaxon 1.11", "YAML reads 2021-01-02 as a date, and Polyaxon 1.11 fails to send it. Put it in quotes. 2.x converts it to text."),
		{Name: "no-json-number", Severity: file.SeverityError, Stage: file.StageAdvice, Summary: "A number that is not valid in JSON",
			Help: "Operations are sent as JSON, which has no infinity and no NaN. Write the text in quotes, for the program to read."},
		{Name: "loose-type", Severity: file.SeverityWarning, Stage: file.StageAdvice, Summary: "A value that Polyaxon converts",
			Help: "A number in quotes where a number belongs, or 1 for true. Polyaxon converts it, another version of it may not."},
		{Name: "key-spelling", Severity: file.SeverityWarning, Stage: file.StageAdvice, Summary: "A key in snake_case",
			Help: "Polyaxon accepts image_pull_policy in the outermost keys of a container or a volume, but not below. Polyaxon 2 also accepts its own keys in this form, max_retries for maxRetries, and Polyaxon 1 refuses them. Write keys as the reference does."},
		rule("version-missing", "No version: 1.1", "Polyaxon 1.11 refuses a file without `version: 1.1`. 2.x accepts it and does not need it."),
		rule("version-unknown", "A version other than 1.1", "The version of the file's format is 1.1 for every Polyaxon from 1.11 to 2.18."),
	}
}
