package cluster

import (
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// LeavingError reports that a namespace is being deleted, so that nothing can be created in it.
type LeavingError struct{ Namespace, Cluster string }

// Error says what to do.
func (e *LeavingError) Error() string {
	return fmt.Sprintf("namespace %s of cluster %s is being deleted (Terminating), and nothing can be created in it: wait until it is gone and create it again, or name another one; what keeps it is in its status: kubectl get namespace %s -o yaml",
		e.Namespace, e.Cluster, e.Namespace)
}

// homeless returns a *LeavingError if a request was refused because the namespace is being
// deleted, a *NoNamespaceError if there is none, and nil otherwise. Of a namespace that is being
// deleted, the API server answers with the status of a missing permission.
func (c *Cluster) homeless(err error) error {
	if apierrors.HasStatusCause(err, v1.NamespaceTerminatingCause) {
		return &LeavingError{c.Namespace, c.Name}
	}
	var refused apierrors.APIStatus
	if errors.As(err, &refused) && apierrors.IsNotFound(err) && refused.Status().Details != nil && refused.Status().Details.Kind == "namespaces" {
		return &NoNamespaceError{Namespace: c.Namespace, Cluster: c.Name, Unseen: true, Err: err}
	}
	return nil
}
