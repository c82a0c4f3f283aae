package command

import "github.com/slipway-ci/slipway/tasks"

// itself returns the commands about slipway.
func itself() []Command {
	return []Command{
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
