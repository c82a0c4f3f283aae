package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// credentialVersion is the version of the protocol between kubectl and its plugins.
const credentialVersion = "client.authentication.k8s.io/v1"

// execCredential is what kubectl and a plugin tell each other.
type execCredential struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Spec       execSpec          `json:"spec"`
	Status     *credentialStatus `json:"status,omitempty"`
}

type execSpec struct {
	Interactive bool         `json:"interactive"`
	Cluster     *execCluster `json:"cluster,omitempty"`
}

// execCluster is the cluster for which kubectl wants credentials.
type execCluster struct {
	Server    string `json:"server"`
	Authority []byte `json:"certificate-authority-data,omitempty"`
	Insecure  bool   `json:"insecure-skip-tls-verify,omitempty"`
}

type credentialStatus struct {
	Token   string     `json:"token"`
	Expires *time.Time `json:"expirationTimestamp,omitempty"`
}

// ClusterToken returns a token for the cluster as an ExecCredential: kubectl runs it as the
// plugin of the entry that ClusterCredentials writes. It starts the sandbox if it does not
// run. The output is not masked, and is kept nowhere. Asked for another server than that of
// the cluster, it returns no token.
func ClusterToken(ctx context.Context, env *Env) (*Result, error) {
	asked, err := readExecInfo(env.Lookup)
	if err != nil {
		return nil, err
	}
	// A mistake in slipway.yaml does not keep kubectl from a sandbox that runs.
	if running, err := sandbox.Running(ctx, project.SandboxDir(env.Dir)); err == nil && asked != nil {
		from := platform.SandboxKubectl{Sandbox: running}
		if entry, err := from.Entry(ctx); err == nil && asked.is(entry) {
			return credential(ctx, from, &Result{Command: "cluster token"})
		}
	}
	p, err := env.unmasked().open(ctx)
	if err != nil {
		return nil, err
	}
	result := p.Result("cluster token")
	from, err := platform.New(p).Kubectl(ctx)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if from == nil {
		return result, exit.Usagef("the cluster of slipway.yaml has a kubeconfig, and its credentials are there")
	}
	entry, err := from.Entry(ctx)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	if asked != nil && !asked.is(entry) {
		return result, exit.Usagef("the kubeconfig's entry is for %s, and the cluster is %s now, or has another certificate: run slipway cluster credentials again", asked.Server, entry.Server)
	}
	return credential(ctx, from, result)
}

// credential adds the token of a cluster to a result.
func credential(ctx context.Context, from platform.Kubectl, result *Result) (*Result, error) {
	token, expires, err := from.Token(ctx)
	if err != nil {
		return result, exit.IfInterrupted(ctx, err)
	}
	made := execCredential{APIVersion: credentialVersion, Kind: "ExecCredential", Status: &credentialStatus{Token: string(token.Reveal())}}
	if !expires.IsZero() {
		made.Status.Expires = &expires
	}
	text, err := json.Marshal(made)
	result.Text = string(text)
	return result, err
}

// readExecInfo returns the cluster for which kubectl wants credentials, or nil if the
// command was not started by kubectl.
func readExecInfo(lookup func(string) (string, bool)) (*execCluster, error) {
	text, ok := lookup("KUBERNETES_EXEC_INFO")
	if !ok || text == "" {
		return nil, nil
	}
	var info execCredential
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return nil, exit.Usagef("KUBERNETES_EXEC_INFO cannot be read: %v", err)
	}
	if info.APIVersion != credentialVersion {
		return nil, exit.Usagef("KUBERNETES_EXEC_INFO has version %s, and slipway knows %s: run slipway cluster credentials again", info.APIVersion, credentialVersion)
	}
	if info.Spec.Cluster == nil {
		return nil, exit.Usagef("KUBERNETES_EXEC_INFO does not name the cluster: run slipway cluster credentials again")
	}
	return info.Spec.Cluster, nil
}

// is reports whether kubectl would send a token for the entry's server to that server.
func (c *execCluster) is(entry kubeconfig.Entry) bool {
	return c.Server == entry.Server && bytes.Equal(c.Authority, entry.Authority) && !c.Insecure
}
