package command

import "github.com/slipway-ci/slipway/tasks"

// deploys returns the commands that deploy and submit jobs.
func deploys() []Command {
	return []Command{
		{
			Name: "deploy", Group: Deploys, Task: task(tasks.Deploy),
			Summary: "Build, push, sync secrets, submit, follow, report",
			Help: `Builds and pushes images, syncs the secrets, submits the jobs and follows them to their ends. ` +
				`Without a JOB it deploys all jobs of slipway.yaml, and otherwise the named ones with those in their "after". ` +
				`Everything that can be checked is checked before anything changes. ` +
				`What is up to date is neither built nor run again.`,
			Examples: []string{
				"slipway deploy",
				"slipway deploy train -P EPOCHS=3",
				"slipway deploy --fail-pending 10m --download results",
			},
		},
		{
			Name: "plan", Group: Deploys, Task: task(tasks.Plan),
			Summary: "Show all that deploy would do, secrets masked; change nothing",
			Help: `Shows all that deploy would do, and changes nothing. ` +
				`It shows the images to push, the secrets with masked values, and the operation of each job as a diff against its last run. ` +
				`What it cannot find out is shown as unknown, which counts as a change.`,
			Examples: []string{
				"slipway plan",
				"slipway plan train --exit-code",
				"slipway plan --offline",
			},
		},
		{
			Name: "submit", Group: Deploys, Task: task(tasks.Submit),
			Summary: "Build, push and submit one job without waiting for it",
			Help: `Submits one job and does not wait for it. ` +
				`It builds and pushes the job's image and syncs the secrets first. ` +
				`The last successful runs of the jobs in "after" count as the job's upstream.`,
			Examples: []string{
				"slipway submit train",
				"slipway submit train -P EPOCHS=3 --rerun",
			},
		},
	}
}
