package command

import "github.com/slipway-ci/slipway/tasks"

// cluster returns the commands that show the cluster, and give other clients access.
func cluster() []Command {
	return []Command{
		{
			Name: "cluster", Group: Cluster,
			Summary: "Show the cluster, and give kubectl access to it",
			Help:    `Shows the cluster, and gives kubectl access to it.`,
		},
		{
			Name: "cluster status", Group: Cluster, Task: taskWithoutOptions(tasks.ClusterStatus),
			Summary: "Show the cluster, Polyaxon in it, and what you may do there",
			Help: `Shows on one screen who you are in the cluster and what you may do there, Polyaxon with its release and connections, ` +
				`the volume at /polyaxon-v1-data, the secrets of slipway.yaml, the GPUs that are free, MLflow, and what runs now. ` +
				`What you may not see is listed with the permission that it needs, and the exit code is 0. ` +
				`It changes nothing, does not start the sandbox, and prints no value of a secret.`,
			Examples: []string{
				"slipway cluster status",
				"slipway cluster status --env production -o json",
			},
		},
		{
			Name: "cluster credentials", Group: Cluster, Task: task(tasks.ClusterCredentials),
			Summary: "Write the kubeconfig entry for kubectl",
			Help: `Writes an entry for kubectl to the kubeconfig, and makes it the current context. ` +
				`The cluster is the sandbox's or one of GKE. ` +
				`All else in the file stays as it is. ` +
				`The entry has no credentials: kubectl runs slipway cluster token for them. ` +
				`For the sandbox it also prints how crane and skopeo log in to its registry.`,
			Examples: []string{
				"slipway cluster credentials",
				"slipway cluster credentials --keep-context --name local",
			},
		},
		{
			Name: "cluster token", Group: Cluster, Task: plugin(tasks.ClusterToken),
			Summary: "Print a token for kubectl, which runs this by itself",
			Help: `Prints a token for the cluster, as kubectl wants it from its plugins (an ExecCredential). ` +
				`kubectl runs it by itself. ` +
				`The token is not masked, and is kept nowhere.`,
			Examples: []string{"slipway cluster token"},
		},
		{
			Name: "registry", Group: Cluster,
			Summary: "Give crane, skopeo and docker access to the sandbox's registry",
			Help:    `Gives crane, skopeo and docker access to the sandbox's registry.`,
		},
		{
			Name: "registry password", Group: Cluster, Task: taskWithoutOptions(tasks.RegistryPassword),
			Summary: "Print the password of the sandbox's registry",
			Help: `Prints the password of the user slipway at the sandbox's registry, for the standard input of another client's login. ` +
				`It is another one each time the sandbox starts. ` +
				`It is not masked.`,
			Examples: []string{"slipway registry password"},
		},
	}
}
