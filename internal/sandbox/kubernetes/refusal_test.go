package kubernetes_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// TestImpersonation checks that nobody can do something in another user's name: the server
// has one user, and would do it with that user's rights.
func TestImpersonation(t *testing.T) {
	t.Parallel()
	_, _, host := attach(t)
	c, err := client.NewForConfig(&rest.Config{Host: host, QPS: -1, Impersonate: rest.ImpersonationConfig{UserName: "bob", Groups: []string{"admins"}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Secrets("ns").List(t.Context(), metav1.ListOptions{})
	if !apierrors.IsForbidden(err) || err.Error() != `users "bob" is forbidden: User "slipway" cannot impersonate resource "users" in API group "" at the cluster scope` {
		t.Errorf("%v", err)
	}
}
