package tasks

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestManifestsOutlastARestart kills the API server in the middle of an apply, and again while the
// apply waits for a Deployment, and starts it again each time. All is applied, and nothing is
// rolled back.
func TestManifestsOutlastARestart(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("each restart takes some seconds")
	}
	access, restart := testenv.RestartableKubernetes(t)
	clients := namespaced(t, access, "restart")
	v := manifestsOn(t, access, "restart")
	const many = 40
	objects := func(value string) (text string, values []string) {
		for n := range many {
			name := fmt.Sprintf("c%02d", n)
			text += configManifest(name, value)
			values = append(values, name+"="+value)
		}
		return text, values
	}
	first, _ := objects("1")
	v.write("k8s.yaml", first)
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	second, want := objects("2")
	v.write("k8s.yaml", second+strings.NewReplacer("slipway://api", "api:1", "${REPLICAS}", "1").Replace(serverManifest))

	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() { // in the middle of the writes
		for t.Context().Err() == nil {
			if values, _ := configMaps(t, clients, "restart"); strings.HasSuffix(values[3], "=2") {
				if strings.HasSuffix(values[many-1], "=2") {
					t.Error("all was applied before the restart")
				}
				restart()
				return
			}
		}
	})
	var once sync.Once
	v.env.Events = sinkFunc(func(e report.Event) {
		if !strings.HasPrefix(e.Message, "Deployment api: ") {
			return
		}
		once.Do(func() {
			group.Go(func() {
				restart()
				d, err := clients.AppsV1().Deployments("restart").Get(t.Context(), "api", metav1.GetOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				d.Status.ObservedGeneration, d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = d.Generation, 1, 1, 1, 1
				d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}, {Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}}
				if _, err := clients.AppsV1().Deployments("restart").UpdateStatus(t.Context(), d, metav1.UpdateOptions{}); err != nil {
					t.Error(err)
				}
			})
		})
	})
	result, err := Apply(t.Context(), v.env, ApplyOptions{Rollback: true, RolloutTimeout: 2 * time.Minute})
	if err != nil || len(result.Manifests) != many+1 {
		t.Errorf("exit code %d: %v, %d objects", ExitCode(err), err, len(result.Manifests))
	}
	values, inventory := configMaps(t, clients, "restart")
	if strings.Join(values, " ") != strings.Join(want, " ") || strings.Count(inventory, "\n") != many+1 {
		t.Errorf("there is %v; the inventory is\n%s", values, inventory)
	}
}
