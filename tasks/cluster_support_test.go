package tasks

import (
	"os"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// clientsOf returns the clients of a cluster.
func clientsOf(t *testing.T, access *rest.Config) kubernetes.Interface {
	t.Helper()
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// allow gives a user rights in the namespace of runs, and waits until the API server knows of the first.
func allow(t *testing.T, clients kubernetes.Interface, user string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	named := metav1.ObjectMeta{Name: user}
	if _, err := clients.RbacV1().Roles(sandboxtest.Namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: named, Rules: rules}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}}}
	if _, err := clients.RbacV1().RoleBindings(sandboxtest.Namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	rule := rules[0]
	asked := &authorizationv1.ResourceAttributes{Namespace: sandboxtest.Namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: rule.Resources[0]}
	if len(rule.ResourceNames) > 0 {
		asked.Name = rule.ResourceNames[0]
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: asked}}
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) { // the API server learns of it a moment later
		answer, err := clients.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err == nil && answer.Status.Allowed {
			return
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("%s still has no rights: %v, %v", user, answer, err)
		}
	}
}

// as makes a user that of the kubeconfig.
func as(t *testing.T, access *rest.Config, user string) {
	t.Helper()
	access = rest.CopyConfig(access)
	access.Impersonate.UserName = user
	if err := os.WriteFile("kubeconfig", []byte(writeKubeconfig(t, access)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeKubeconfig returns access in the format of a kubeconfig file.
func writeKubeconfig(t *testing.T, access *rest.Config) string {
	t.Helper()
	text, err := clientcmd.Write(*testenv.Kubeconfig(access))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// must returns a function that ends the test if a request failed. It drops its result.
func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
