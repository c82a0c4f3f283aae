package cluster_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// claims tests what the volume controller of a real cluster makes of a claim: it binds one
// to a volume on the node, and says why it does not bind another.
func claims(t *testing.T, c *cluster.Cluster) {
	t.Run("claims", func(t *testing.T) {
		t.Parallel()
		size := resource.MustParse("1Gi")
		_, err := c.Client.CoreV1().PersistentVolumes().Create(t.Context(), &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "on-the-node"}, Spec: corev1.PersistentVolumeSpec{
			Capacity: corev1.ResourceList{corev1.ResourceStorage: size}, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, StorageClassName: "static",
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/run"}},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		create := func(name, class string) {
			t.Helper()
			made, err := c.CreateClaim(t.Context(), cluster.NewClaim{Name: name, Class: class, Project: "p", Size: size, Access: corev1.ReadWriteMany})
			if err != nil || made.Name != name {
				t.Fatalf("%+v, %v", made, err)
			}
		}
		create("bound", "static")
		create("bound", "other") // it is there already, and stays as it is
		eventually(t, "the claim is never bound", func() bool {
			claim, err := c.Claim(t.Context(), "bound")
			return err == nil && claim.Status.Phase == corev1.ClaimBound && *claim.Spec.StorageClassName == "static"
		})
		create("unbound", "nowhere")
		eventually(t, "the cluster does not say why the claim is not bound", func() bool {
			events, err := c.ClaimEvents(t.Context(), "unbound")
			return err == nil && len(events) > 0 && strings.Contains(events[len(events)-1].Message, `storageclass.storage.k8s.io "nowhere" not found`)
		})
	})
}

// eventually waits until done returns true. If it never does, the test fails with what.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// provisioned creates claims of classes whose volumes a provisioner makes, at once or when a
// pod uses them. A pod finds what another one has left on the volume.
func provisioned(t *testing.T, c *cluster.Cluster, access *rest.Config) {
	t.Run("provisioned claims", func(t *testing.T) {
		t.Parallel()
		clients, err := kubernetes.NewForConfig(access)
		if err != nil {
			t.Fatal(err)
		}
		testenv.Provision(t, clients, "at-once", false)
		testenv.Provision(t, clients, "on-use", true)
		phase := func(name string) corev1.PersistentVolumeClaimPhase {
			claim, err := c.Claim(t.Context(), name)
			if err != nil {
				t.Error(err)
				return ""
			}
			return claim.Status.Phase
		}
		for name, class := range map[string]string{"early": "at-once", "late": "on-use"} {
			wanted := cluster.NewClaim{Name: name, Class: class, Project: "p", Size: resource.MustParse("1Gi"), Access: corev1.ReadWriteOnce}
			if _, err := c.CreateClaim(t.Context(), wanted); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the claim is never bound", func() bool { return phase("early") == corev1.ClaimBound })
		eventually(t, "the cluster does not say that the claim waits for a pod", func() bool {
			events, err := c.ClaimEvents(t.Context(), "late")
			return err == nil && len(events) > 0 && events[len(events)-1].Reason == "WaitForFirstConsumer"
		})
		if got := phase("late"); got != corev1.ClaimPending {
			t.Errorf("without a pod, the claim is %s", got)
		}
		for _, want := range []polyaxon.Status{polyaxon.Failed, polyaxon.Succeeded} { // the first pod leaves a mark
			p := pod(t, "once=/data,3")
			p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "late"}}}}
			main(p).VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
			create(t, c, p)
			if outcome, err := follow(t, c, p.Labels[label], &sink{}); err != nil || outcome.Run.Status != want {
				t.Errorf("it ended as %+v, %v, want %s", outcome, err, want)
			}
		}
		if got := phase("late"); got != corev1.ClaimBound {
			t.Errorf("after a pod, the claim is %s", got)
		}
	})
}
