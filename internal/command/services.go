package command

import "github.com/slipway-ci/slipway/tasks"

// services returns the commands for services.
func services() []Command {
	return []Command{
		{
			Name: "up", Group: Services, Task: task(tasks.Up),
			Summary: "Start a service, wait until it answers, and print its address",
			Help: `Starts a service, waits until it answers, and prints its address. ` +
				`A service that runs for the same inputs is found and not started again. ` +
				`Runs of the service with other inputs are stopped. ` +
				`The service outlives the command.`,
			Examples: []string{
				"slipway up notebook",
				"slipway up notebook --port 8888",
			},
		},
		{
			Name: "down", Group: Services, Task: task(tasks.Down),
			Summary:  "Stop a service and wait until it has ended",
			Help:     `Stops all active runs of a service, and waits until they have ended.`,
			Examples: []string{"slipway down notebook"},
		},
		{
			Name: "dashboard", Group: Services, Task: task(tasks.Dashboard),
			Summary: "Forward ports of this machine to Polyaxon, MLflow and services",
			Help: `Forwards ports of this machine to Polyaxon, MLflow and services, until it is interrupted. ` +
				`Only this machine can reach them. ` +
				`A NAME is polyaxon (the default), mlflow, a service of slipway.yaml that runs, or svc/NAME[:PORT] for a Service of Kubernetes. ` +
				`When a pod moves, or the connection is lost, it connects again.`,
			Examples: []string{
				"slipway dashboard",
				"slipway dashboard polyaxon mlflow --open",
				"slipway dashboard svc/grafana:80 --port 3000",
			},
		},
	}
}
