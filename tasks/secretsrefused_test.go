package tasks

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// secretsRefused syncs secrets to the real API server as users who lack one right each. Of two
// changes the first one is allowed, and not made. A quota is not taken for a missing right.
func secretsRefused(t *testing.T, access *rest.Config, env *Env, write func(*rest.Config)) {
	const namespace = "polyaxon-v1"
	clients, must := clientsOf(t, access), must(t)
	store := clients.CoreV1().Secrets(namespace)
	stored := func() (all []string) {
		list, err := store.List(t.Context(), metav1.ListOptions{})
		must(nil, err)
		for i := range list.Items {
			all = append(all, list.Items[i].Name+" "+list.Items[i].ResourceVersion)
		}
		return all
	}
	labels := map[string]string{"app.kubernetes.io/managed-by": "slipway", "slipway.dev/project": "story"}
	first := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: labels}}
	gone := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "gone", Labels: labels}}
	for lacking, verbs := range map[string][]string{"create": {"get", "patch", "list", "delete"}, "delete": {"get", "patch", "list", "create"}} {
		must(nil, store.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
		must(store.Create(t.Context(), first, metav1.CreateOptions{}))
		must(store.Create(t.Context(), gone, metav1.CreateOptions{}))
		allow(t, clients, "without-"+lacking, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: verbs})
		user := rest.CopyConfig(access)
		user.Impersonate.UserName = "without-" + lacking
		write(user)
		before := stored()
		want := "User \"without-" + lacking + "\" cannot " + lacking + " resource \"secrets\""
		_, err := SecretsSync(t.Context(), env, SecretsOptions{Prune: true})
		for n := 0; n < 100 && err != nil && strings.Contains(err.Error(), "cannot list"); n++ { // RBAC is cached
			time.Sleep(100 * time.Millisecond)
			_, err = SecretsSync(t.Context(), env, SecretsOptions{Prune: true})
		}
		if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "slipway doctor prints as a Role") {
			t.Errorf("without %s: exit code %d: %v", lacking, ExitCode(err), err)
		}
		if after := stored(); !slices.Equal(after, before) {
			t.Errorf("without %s: %q became %q", lacking, before, after)
		}
	}

	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"secrets": resource.MustParse("2")}}}
	quotas := clients.CoreV1().ResourceQuotas(namespace)
	made, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{})
	must(nil, err)
	made.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard} // a controller would do it
	must(quotas.UpdateStatus(t.Context(), made, metav1.UpdateOptions{}))
	write(access)
	before := stored()
	_, err = SecretsSync(t.Context(), env, SecretsOptions{})
	for n := 0; n < 100 && err == nil; n++ { // quotas are cached
		time.Sleep(100 * time.Millisecond)
		must(nil, store.Delete(t.Context(), "token", metav1.DeleteOptions{}))
		_, err = SecretsSync(t.Context(), env, SecretsOptions{})
	}
	if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "the cluster refuses it, by a quota or a policy: ") || strings.Contains(err.Error(), "permission") {
		t.Errorf("a quota: exit code %d: %v", ExitCode(err), err)
	}
	if after := stored(); len(after) != len(before) {
		t.Errorf("a quota: %q became %q", before, after)
	}
	must(nil, quotas.Delete(t.Context(), "few", metav1.DeleteOptions{}))
	must(nil, store.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
}
