package command

import "github.com/slipway-ci/slipway/tasks"

// secrets returns the commands for secrets in the cluster.
func secrets() []Command {
	return []Command{
		{
			Name: "secrets", Group: Secrets,
			Summary: "Compare or sync the secrets in the cluster",
			Help:    `Compares or syncs the secrets in the cluster.`,
		},
		{
			Name: "secrets plan", Group: Secrets, Task: task(tasks.SecretsPlan),
			Summary:  "Show, masked, what sync would change",
			Help:     `Shows what syncing would change in the cluster. Values are masked.`,
			Examples: []string{"slipway secrets plan"},
		},
		{
			Name: "secrets sync", Group: Secrets, Task: task(tasks.SecretsSync),
			Summary: "Write the secrets into the cluster by server-side apply",
			Help: `Writes the secrets of slipway.yaml into the cluster by server-side apply. ` +
				`This needs the rights to get, create and patch Secrets. With --prune it also needs the rights to list and delete them. ` +
				`With the right to list them, it reads all by one request. ` +
				`It changes nothing and exits with 3 if another field manager, such as kubectl, has set what it would change. ` +
				`--force-conflicts takes that over. When a value changes, it names the services, Deployments and others that use the secret, and --restart restarts them.`,
			Examples: []string{
				"slipway secrets sync",
				"slipway secrets sync --prune",
				"slipway secrets sync --restart",
			},
		},
	}
}
