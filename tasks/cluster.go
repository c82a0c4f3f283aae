package tasks

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// ClusterCredentialsOptions are the options of ClusterCredentials.
type ClusterCredentialsOptions struct {
	// Kubeconfig is the file to write. If it is empty, it is the one that kubectl would
	// write.
	Kubeconfig string `flag:"kubeconfig" value:"FILE" help:"write to this file, not to that of KUBECONFIG or ~/.kube/config"`
	// Name is the name of the context. If it is empty, it is sandbox-PROJECT, or the one that
	// gcloud gives a cluster of GKE.
	Name string `flag:"name" value:"CONTEXT" help:"name the context so (default sandbox-PROJECT, or gke_PROJECT_LOCATION_NAME)"`
	// KeepContext leaves the current context of kubectl as it is.
	KeepContext bool `flag:"keep-context" help:"leave kubectl's current context as it is"`
}

// ClusterCredentials gives kubectl access to the cluster: it writes an entry to the user's
// kubeconfig that runs ClusterToken for credentials. For the sandbox, the Result also says
// how other clients log in to its registry.
func ClusterCredentials(ctx context.Context, env *Env, o ClusterCredentialsOptions) (*Result, error) {
	p, err := env.open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("cluster credentials")
	if len(p.Plugin) == 0 {
		return result, exit.Usagef("Env.Plugin is empty: set it to the command line with which kubectl can run ClusterToken of this program")
	}
	to := platform.New(p)
	from, err := to.Kubectl(ctx)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if from == nil {
		access, err := p.Access(ctx)
		if err != nil {
			return result, err
		}
		result.Credentials = &report.Credentials{Server: access.Config.Host}
		if access.Name == access.Config.Host { // it has no context, as in a pod
			p.Note("kubectl has the access to the cluster of slipway.yaml already: kubectl get pods")
			return result, nil
		}
		p.Note("the cluster of slipway.yaml is in the kubeconfig already: kubectl --context " + access.Name)
		result.Credentials.Context = access.Name
		return result, nil
	}
	entry, err := from.Entry(ctx)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if o.Name != "" {
		entry.Name = o.Name
	}
	entry.Plugin = plugin(p, o)
	written, err := kubeconfig.Merge(ctx, entry, kubeconfig.Options{Paths: kubeconfig.Files(o.Kubeconfig, p.Lookup), KeepCurrent: o.KeepContext})
	if taken := new(kubeconfig.TakenError); errors.As(err, &taken) {
		return result, exit.Usagef("%v: choose another name with --name", err)
	}
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	result.Credentials = &report.Credentials{
		Kubeconfig: written.Path, Context: entry.Name, Current: written.Current == entry.Name, Changed: written.Changed, Server: entry.Server, Namespace: entry.Namespace,
	}
	if to.Sandbox != nil {
		host := strings.TrimPrefix(to.Sandbox.Registry, "http://")
		result.Credentials.Registry = host
		for _, login := range []string{"crane auth login " + host, "skopeo login --tls-verify=false " + host} {
			result.Credentials.Logins = append(result.Credentials.Logins, "slipway registry password | "+login+" --username slipway --password-stdin")
		}
	}
	return result, nil
}

// plugin returns the plugin by which kubectl gets credentials: this program, for the
// slipway.yaml of this command.
func plugin(p *project.Project, o ClusterCredentialsOptions) kubeconfig.Plugin {
	typed, file := "slipway cluster credentials", ""
	if p.Env.File != "" {
		file = absolute(p.Env.File)
	}
	for _, flag := range []struct{ name, value string }{{"-f", file}, {"--env", p.Environment}, {"--name", o.Name}, {"--kubeconfig", o.Kubeconfig}} {
		if flag.value != "" {
			typed += " " + flag.name + " " + flag.value
		}
	}
	made := kubeconfig.Plugin{
		Command: p.Plugin[0], Args: p.Plugin[1:],
		Hint: "This entry was written by `" + typed + "`. Install slipway, and run that again in " + p.Config.Dir + ".",
	}
	if found, err := exec.LookPath("slipway"); err == nil && same(found, made.Command) {
		made.Command = "slipway" // it stays valid when another version is installed
	}
	made.Env = []kubeconfig.Variable{{Name: "SLIPWAY_DIR", Value: p.Config.Dir}}
	if file != "" {
		made.Env = append(made.Env, kubeconfig.Variable{Name: "SLIPWAY_FILE", Value: file})
	}
	if p.Environment != "" {
		made.Env = append(made.Env, kubeconfig.Variable{Name: "SLIPWAY_ENV", Value: p.Environment})
	}
	made.Env = append(made.Env, kubeconfig.Variable{Name: "SLIPWAY_OUTPUT", Value: "text"})
	return made
}

// absolute returns the absolute form of a path, or the path if there is none.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// same reports whether two paths are of one file.
func same(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
