package cluster_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
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
		eventually := func(what string, done func() bool) {
			t.Helper()
			for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal(what)
				}
			}
		}
		create("bound", "static")
		create("bound", "other") // it is there already, and stays as it is
		eventually("the claim is never bound", func() bool {
			claim, err := c.Claim(t.Context(), "bound")
			return err == nil && claim.Status.Phase == corev1.ClaimBound && *claim.Spec.StorageClassName == "static"
		})
		create("unbound", "nowhere")
		eventually("the cluster does not say why the claim is not bound", func() bool {
			events, err := c.ClaimEvents(t.Context(), "unbound")
			return err == nil && len(events) > 0 && strings.Contains(events[len(events)-1].Message, `storageclass.storage.k8s.io "nowhere" not found`)
		})
	})
}
