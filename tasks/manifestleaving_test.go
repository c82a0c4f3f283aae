package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/tasks/report"
)

// manifestLeaving applies manifests and syncs secrets in a namespace that is being deleted. No
// controller ends that here. The API server then answers as if a permission was missing.
func manifestLeaving(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "leaving")
	named := metav1.ObjectMeta{Name: "deploys"}
	must := must(t)
	must(clients.RbacV1().Roles("leaving").Create(t.Context(), &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps", "secrets"}, Verbs: []string{"*"}}}}, metav1.CreateOptions{}))
	must(clients.RbacV1().RoleBindings("leaving").Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: named, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "deploys"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "ci"}}}, metav1.CreateOptions{}))
	must(nil, clients.CoreV1().Namespaces().Delete(t.Context(), "leaving", metav1.DeleteOptions{}))
	poor := rest.CopyConfig(access)
	poor.Impersonate.UserName = "ci" // who may not read namespaces
	for user, access := range map[string]*rest.Config{"admin": access, "ci": poor} {
		v := manifestsOn(t, access, "leaving")
		v.write("slipway.yaml", readFile(t, v, "slipway.yaml")+"secrets: {token: {data: {key: env:KEY}}}\n")
		v.values["KEY"] = "value"
		v.write("k8s.yaml", configManifest("a", "1"))
		for what, do := range map[string]func(context.Context) (*Result, error){
			"apply":        func(ctx context.Context) (*Result, error) { return Apply(ctx, v.env, ApplyOptions{}) },
			"secrets sync": func(ctx context.Context) (*Result, error) { return SecretsSync(ctx, v.env, SecretsOptions{}) },
		} {
			_, err := do(t.Context())
			for n := 0; n < 50 && user == "ci" && err != nil && strings.Contains(err.Error(), "permission"); n++ { // RBAC is cached
				time.Sleep(100 * time.Millisecond)
				_, err = do(t.Context())
			}
			if ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "namespace leaving of cluster") || !strings.Contains(err.Error(), "is being deleted (Terminating)") || strings.Contains(err.Error(), "permission") {
				t.Errorf("%s as %s: exit code %d: %v", what, user, ExitCode(err), err)
			}
		}
		if _, err := Plan(t.Context(), v.env, PlanOptions{}); user == "admin" && (ExitCode(err) != ExitStep || !strings.Contains(err.Error(), "is being deleted (Terminating)")) {
			t.Errorf("plan: exit code %d: %v", ExitCode(err), err)
		}
		if result, _ := Doctor(t.Context(), v.env, DoctorOptions{}); user == "admin" && byWhat(result, "cluster")["namespace"].Outcome != report.CheckFailed {
			t.Errorf("doctor says\n%s", told(t, result))
		}
	}
}
