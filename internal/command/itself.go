package command

import "github.com/slipway-ci/slipway/tasks"

// itself returns the commands about slipway.
func itself() []Command {
	return []Command{
		{
			Name: "init", Group: Itself, Task: task(tasks.Init),
			Summary: "Write a slipway.yaml that fits this repository, with what else it needs; never overwrites",
			Help: `Looks at the repository and writes what fits it: a slipway.yaml with comments, Polyaxonfiles where there are none, ` +
				`lines of .gitignore, a lock where the packages have none (by uv), and a workflow. ` +
				`It shows what it will write and why, and asks on a terminal; Enter takes the default. ` +
				`It never overwrites a file, and changes nothing where a slipway.yaml is.`,
			Examples: []string{"slipway init", "slipway init --yes", "slipway init --dry-run", "slipway init -C services/churn --ci github"},
		},
		{
			Name: "schema", Group: Itself, Task: taskWithoutOptions(tasks.Schema),
			Summary:  "Print the JSON schema of slipway.yaml",
			Help:     `Prints the JSON schema of slipway.yaml, which editors use to complete and check it.`,
			Examples: []string{"slipway schema"},
		},
		{
			Name: "version", Group: Itself, Task: taskWithoutOptions(tasks.Version),
			Summary:  "Print slipway's version",
			Help:     `Prints slipway's version, as "slipway --version" does.`,
			Examples: []string{"slipway version"},
		},
	}
}
