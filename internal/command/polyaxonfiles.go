package command

import "github.com/slipway-ci/slipway/tasks"

// polyaxonfiles returns the commands for Polyaxonfiles and components.
func polyaxonfiles() []Command {
	return []Command{
		{
			Name: "check", Group: Polyaxonfiles, Task: task(tasks.Check), Forms: []string{"sarif"},
			Summary: "Check Polyaxonfiles: these, all in these directories, or those of all jobs and services",
			Help: `Checks Polyaxonfiles as the server of each version of Polyaxon would, and for what no server reports. ` +
				`With no FILE it checks those of all jobs and services, and with no slipway.yaml all files below the directory. ` +
				`docs/lints.md explains each finding; "# slipway:ignore NAME" silences it. ` +
				`It exits with 2 when there are errors, with 0 when there are only warnings. ` +
				`-o sarif prints what code scanning reads.`,
			Examples: []string{
				"slipway check",
				"slipway check polyaxon/ --strict",
				"slipway check train.yml --fix --write",
				"slipway check -o sarif",
			},
		},
		{
			Name: "render", Group: Polyaxonfiles, Task: task(tasks.Render),
			Summary: "Print the operation of a job or a service as it will be sent",
			Help: `Prints the operation of a job or a service as it will be sent. ` +
				`It builds the image locally, so that the image's digest is in the operation where it can be known. It sends nothing, and reads no secret.`,
			Examples: []string{
				"slipway render train",
				"slipway render train --pod",
				"slipway render train --compiled --polyaxon-version 1.11.3",
			},
		},
		{
			Name: "component", Group: Polyaxonfiles,
			Summary: "List, print or copy the Polyaxon components that ship",
			Help:    `Lists, prints and copies the Polyaxon components that ship with slipway.`,
		},
		{
			Name: "component list", Group: Polyaxonfiles, Task: taskWithoutOptions(tasks.ComponentList),
			Summary:  "List the components that ship",
			Help:     `Lists the components that ship with slipway, and what each is for.`,
			Examples: []string{"slipway component list"},
		},
		{
			Name: "component show", Group: Polyaxonfiles, Task: task(tasks.ComponentShow),
			Summary:  "Print a component",
			Help:     `Prints a component that ships with slipway.`,
			Examples: []string{"slipway component show train"},
		},
		{
			Name: "component eject", Group: Polyaxonfiles, Task: task(tasks.ComponentEject),
			Summary: "Write a component to polyaxon/NAME.yml, to be changed; never overwrites",
			Help: `Writes a component to polyaxon/NAME.yml, or to PATH, so that you can change it. ` +
				`It never overwrites a file.`,
			Examples: []string{
				"slipway component eject train",
				"slipway component eject train jobs/train.yml",
			},
		},
	}
}
