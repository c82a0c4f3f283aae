package cluster_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// streamsOfARole opens streams to a pod as users whose Roles have one verb each. What a review says
// is what the API server does. The pod is on no node, which the server says to who may open one.
func streamsOfARole(t *testing.T, access *rest.Config) {
	const namespace = "streams"
	clients, err := kubernetes.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, options := t.Context(), metav1.CreateOptions{}
	must(clients.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, options))
	must(clients.CoreV1().ServiceAccounts(namespace).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, options))
	must(clients.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}}}, options))
	for verb, want := range map[string]cluster.Verdict{"get": cluster.Denied, "create": cluster.Allowed} {
		named := metav1.ObjectMeta{Name: verb}
		must(clients.RbacV1().Roles(namespace).Create(ctx, &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"pods/portforward", "pods/exec"}, Verbs: []string{verb}}}}, options))
		must(clients.RbacV1().RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: verb},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: verb + "-only"}}}, options))
		user := rest.CopyConfig(access)
		user.Impersonate.UserName = verb + "-only"
		c, err := cluster.Connect(user, namespace, "a")
		must(nil, err)
		for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) { // RBAC is cached
			verdicts, err := c.Review(ctx, []cluster.Right{{Verb: verb, Resource: "pods", Subresource: "exec"}})
			must(nil, err)
			if verdicts[0] == cluster.Allowed {
				break
			}
			if time.Since(begun) > 20*time.Second {
				t.Fatal("the Role has no effect")
			}
		}
		verdicts, err := c.Review(ctx, []cluster.Right{{Verb: "create", Resource: "pods", Subresource: "portforward"}, {Verb: "create", Resource: "pods", Subresource: "exec"}})
		if err != nil || verdicts[0] != want || verdicts[1] != want {
			t.Errorf("who may %s: %v, %v", verb, verdicts, err)
		}
		_, forwarded := c.OpenTunnel(ctx, "a")
		executed := c.Exec(ctx, "a", []string{"true"}, cluster.Streams{})
		for _, err := range []error{forwarded, executed} {
			if want == cluster.Allowed && (err == nil || !strings.Contains(err.Error(), "does not have a host assigned")) || want == cluster.Denied && !apierrors.IsForbidden(err) {
				t.Errorf("who may %s: %v", verb, err)
			}
		}
	}
}
