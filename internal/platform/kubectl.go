package platform

import (
	"context"
	"time"

	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/secret"
)

// Kubectl is a cluster to which slipway gives kubectl access: the sandbox's, or one of GKE.
// The cluster of a kubeconfig is not one of these, because the kubeconfig has the credentials already.
type Kubectl interface {
	// Entry returns the entry for the kubeconfig, without its plugin. Its Name is a proposal.
	Entry(ctx context.Context) (kubeconfig.Entry, error)
	// Token returns a token for the entry's server, and when it expires. The time is zero
	// if that is not known.
	Token(ctx context.Context) (token secret.Value, expires time.Time, err error)
}

// Kubectl returns the cluster of slipway.yaml, or the sandbox's, which it starts if it does
// not run. It returns nil for the cluster of a kubeconfig.
func (to *Platform) Kubectl(ctx context.Context) (Kubectl, error) {
	switch cfg := to.Config.Cluster; {
	case cfg == nil:
		joined, err := to.StartSandbox(ctx)
		if err != nil {
			return nil, err
		}
		to.Sandbox = joined
		return SandboxKubectl{to.Config.Project, joined}, nil
	case cfg.GKE != nil:
		return gkeKubectl{to}, nil
	}
	return nil, nil
}

// SandboxKubectl is a sandbox's cluster for kubectl.
type SandboxKubectl struct {
	Project string
	*sandbox.Sandbox
}

// Entry implements Kubectl.
func (s SandboxKubectl) Entry(context.Context) (kubeconfig.Entry, error) {
	return kubeconfig.Entry{Name: "sandbox-" + s.Project, Server: s.Kubernetes, Authority: []byte(s.Authority), Namespace: s.Namespace}, nil
}

// Token implements Kubectl. The token is valid until the sandbox ends.
func (s SandboxKubectl) Token(context.Context) (token secret.Value, expires time.Time, err error) {
	return s.KubernetesToken, time.Time{}, nil
}
