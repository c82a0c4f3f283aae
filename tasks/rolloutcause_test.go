package tasks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// noPods applies workloads whose controllers can create no pods: the service account is missing,
// or a quota is used up. A Deployment says so by a condition, and a StatefulSet by events.
func noPods(t *testing.T, v *vault, clients kubernetes.Interface) {
	t.Helper()
	v.write("k8s/claim.yaml", configManifest("nothing", "1"))
	workload := func(kind, account string) {
		v.write("k8s/api.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: %s
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: %s
      automountServiceAccountToken: false
      containers: [{name: api, image: %s, args: ['serve=8000']}]
`, kind, account, testenv.PodImage))
	}
	check := func(name, want string) {
		t.Helper()
		_, err := Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: 10 * time.Second, Rollback: true})
		if ExitCode(err) != ExitFailed || !strings.Contains(err.Error(), "no pod can be created: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: exit code %d: %v", name, ExitCode(err), err)
		}
	}
	for _, kind := range []string{"Deployment", "StatefulSet"} {
		workload(kind, "absent")
		check(kind, `serviceaccount "absent" not found`)
	}
	none := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "none"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}}
	must(t)(clients.CoreV1().ResourceQuotas("ns").Create(t.Context(), none, metav1.CreateOptions{}))
	workload("Deployment", "default")
	check("quota", "exceeded quota: none")
}
