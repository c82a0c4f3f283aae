package command

import "github.com/slipway-ci/slipway/tasks"

// runs returns the commands for runs on the server.
func runs() []Command {
	return []Command{
		{
			Name: "runs", Group: Runs, Task: task(tasks.Runs),
			Summary: "List the project's newest runs, and its active services",
			Help: `Lists the project's newest runs, and all of its active services. ` +
				`For each active run it shows who started it, how many GPUs it holds and, with "prices" in slipway.yaml, what it has cost so far. ` +
				`It warns about services that have run for more than a day.`,
			Examples: []string{
				"slipway runs",
				"slipway runs --services",
				"slipway runs --limit 50 --query 'status:running|queued'",
			},
		},
		{
			Name: "runs compare", Group: Runs, Task: task(tasks.RunsCompare),
			Summary:  "Show what differs between two runs",
			Help:     `Shows what differs between the runs A and B: metrics, params, commit, image, duration and cost. ` + whichRun,
			Examples: []string{"slipway runs compare 3f2a 9c41"},
		},
		{
			Name: "runs best", Group: Runs, Task: task(tasks.RunsBest),
			Summary: "Show a job's runs, the best by a metric first",
			Help: `Shows the newest 1000 runs of a job that succeeded, with their params and metrics, the best by a metric first. ` +
				`The highest value is the best, with --min the lowest. Without --metric the first metric by name decides, and its name says whether lower is better.`,
			Examples: []string{
				"slipway runs best train --metric val_acc",
				"slipway runs best train --metric val_loss --min",
			},
		},
		{
			Name: "status", Group: Runs, Task: task(tasks.Status),
			Summary: "Show a run's history, metrics and outputs",
			Help:    `Shows a run's history, reasons, metrics and outputs. ` + whichRun,
			Examples: []string{
				"slipway status train",
				"slipway status 3f2a --output json",
			},
		},
		{
			Name: "logs", Group: Runs, Task: task(tasks.Logs),
			Summary: "Print a run's log",
			Help:    `Prints a run's log. With -o json the lines go to standard error. ` + whichRun,
			Examples: []string{
				"slipway logs train",
				"slipway logs train -f",
			},
		},
		{
			Name: "follow", Group: Runs, Task: task(tasks.Follow),
			Summary: "Watch a run to its end and exit with it",
			Help: `Watches a run to its end, and exits with the code that its end means. ` +
				`An interrupt leaves the run alone. ` + whichRun,
			Examples: []string{
				"slipway follow train",
				"slipway follow 3f2a --download results",
			},
		},
		{
			Name: "stop", Group: Runs, Task: task(tasks.Stop),
			Summary:  "Stop a run",
			Help:     `Stops a run, and confirms that it is stopping or has ended. ` + whichRun,
			Examples: []string{"slipway stop train"},
		},
		{
			Name: "restart", Group: Runs, Task: task(tasks.Restart),
			Summary:  "Make a new run of a run's operation",
			Help:     `Makes a new run of a run's operation, and does not wait for it. ` + whichRun,
			Examples: []string{"slipway restart train"},
		},
		{
			Name: "resume", Group: Runs, Task: task(tasks.Resume),
			Summary:  "Run a run that has ended again, under its id",
			Help:     `Runs a run that has ended again, under its id and with what it has written. ` + whichRun,
			Examples: []string{"slipway resume train"},
		},
		{
			Name: "approve", Group: Runs, Task: task(tasks.Approve),
			Summary:  "Approve a run that waits for approval",
			Help:     `Approves a run that waits for approval, and shows its status. ` + whichRun,
			Examples: []string{"slipway approve train"},
		},
		{
			Name: "artifacts", Group: Runs, Task: task(tasks.Artifacts),
			Summary: "List a run's files, or download them into DIR",
			Help: `Lists a run's files, or downloads them into DIR. ` +
				`What was copied to the bucket of slipway.yaml comes from there, also if Polyaxon has deleted the run. ` +
				`Files that an earlier download of the same run saved are not downloaded again. ` + whichRun,
			Examples: []string{
				"slipway artifacts train",
				"slipway artifacts train model --latest",
				"slipway artifacts train results --last-succeeded",
			},
		},
	}
}

// whichRun is the part of the help that says what users may write for RUN.
const whichRun = `A RUN is a run's id, the beginning of one, or the name of a job or service, which stands for its newest run, or for one that goes on if the newest was stopped.`
