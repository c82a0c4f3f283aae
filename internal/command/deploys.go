package command

import "github.com/slipway-ci/slipway/tasks"

// deploys returns the commands that deploy and submit jobs.
func deploys() []Command {
	return []Command{
		{
			Name: "deploy", Group: Deploys, Task: task(tasks.Deploy),
			Summary: "Build, push, sync secrets, submit, follow, apply, report",
			Help: `Builds and pushes images, syncs the secrets, submits the jobs and follows them to their ends, and applies the manifests. ` +
				`Without a JOB it deploys all jobs of slipway.yaml, and otherwise the named ones with those in their "after", and no manifests. ` +
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
				`It shows the images to push, the secrets with masked values, the operation of each job as a diff against its last run, and the manifests as a diff against the cluster. ` +
				`What it cannot find out is shown as unknown, which counts as a change.`,
			Examples: []string{
				"slipway plan",
				"slipway plan train --exit-code",
				"slipway plan --offline",
			},
		},
		{
			Name: "doctor", Group: Deploys, Task: task(tasks.Doctor),
			Summary: "Check all that a deploy needs, and say what to do",
			Help: `Checks all that a deploy of this repository needs, at the same time and at most 2 seconds long: ` +
				`whether the registry, the cluster, Polyaxon, Google Cloud and MLflow can be reached, know you and let you do what the deploy will do, ` +
				`and the secret sources, the clocks, the disk and the builders. ` +
				`Each finding says what to do; rights that are missing come as a Role for kubectl apply. ` +
				`It changes nothing, does not start the sandbox, and prints no value of a secret. ` +
				`The exit code is 0 if a deploy would work, and otherwise the one that it would have.`,
			Examples: []string{
				"slipway doctor",
				"slipway doctor --timeout 10s --env production",
			},
		},
		{
			Name: "apply", Group: Deploys, Task: task(tasks.Apply),
			Summary: "Apply the manifests to the cluster",
			Help: `Applies the manifests of slipway.yaml to the cluster by server-side apply, after it has built and pushed their images, and waits until they are rolled out. ` +
				`It asks the cluster by dry runs first, and changes nothing if the cluster would refuse a change. ` +
				`With --prune it deletes the objects that it applied earlier and that no manifest names. ` +
				`If an object is not rolled out, it exits with 1 and shows the reasons and the last lines of its pods; --rollback puts back what was.`,
			Examples: []string{
				"slipway apply",
				"slipway apply --prune",
				"slipway apply --rollout-timeout 5m --rollback",
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
