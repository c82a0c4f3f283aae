package command

import (
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// sandbox returns the commands for the embedded sandbox.
func sandbox() []Command {
	return []Command{
		{
			Name: "sandbox", Group: Sandbox,
			Summary: "Look at, stop or reset the embedded platform",
			Help:    `Manages the embedded platform of this repository.`,
		},
		{
			Name: "sandbox status", Group: Sandbox, Task: taskWithoutOptions(tasks.SandboxStatus),
			Summary:  "Show whether the sandbox runs, and where",
			Help:     `Shows whether the sandbox runs, and where.`,
			Examples: []string{"slipway sandbox status"},
		},
		{
			Name: "sandbox stop", Group: Sandbox, Task: taskWithoutOptions(tasks.SandboxStop),
			Summary:  "Stop the sandbox and the runs on it",
			Help:     `Stops the sandbox and the runs on it.`,
			Examples: []string{"slipway sandbox stop"},
		},
		{
			Name: "sandbox reset", Group: Sandbox, Task: taskWithoutOptions(tasks.SandboxReset),
			Summary:  "Stop the sandbox and delete all that it holds",
			Help:     `Stops the sandbox and deletes all that it holds: images, secrets, runs, their outputs and the persistent volumes.`,
			Examples: []string{"slipway sandbox reset"},
		},
		{
			Name: "sandbox serve", Group: Sandbox, Task: server((*cli.App).Serve),
			Summary:  "Run the sandbox in the foreground (other commands start it by themselves)",
			Help:     `Runs the sandbox in the foreground. Other commands start it by themselves.`,
			Examples: []string{"slipway sandbox serve --idle 1h"},
		},
	}
}
