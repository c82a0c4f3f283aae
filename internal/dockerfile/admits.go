package dockerfile

import (
	"context"
	"fmt"
)

// Check returns an error if the namespace does not admit the pod of a buildkitd. It changes
// nothing.
func (k *Kubernetes) Check(ctx context.Context) error {
	connected, err := k.connect()
	if err != nil {
		return err
	}
	level, err := k.enforced(ctx, connected.Client)
	if err != nil {
		return err
	}
	return k.admits(level)
}

// admits returns an error if a namespace that enforces a Pod Security Standard does not admit
// the pod.
func (k *Kubernetes) admits(level string) error {
	if level == "restricted" {
		return fmt.Errorf("buildkitd cannot run in namespace %s: it enforces the Pod Security Standard restricted (label pod-security.kubernetes.io/enforce), "+
			"and buildkitd, even rootless, needs a set-user-ID program and a seccomp profile that this forbids; "+
			"use another namespace for buildkitd, or set BUILDKIT_HOST, or start Docker", k.Namespace)
	}
	return nil
}
