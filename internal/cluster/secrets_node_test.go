package cluster_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/secret"
)

// synced tests Secrets that slipway has written: the kubelet pulls with them, and mounts them. The
// registry knows the user of pull secrets, and has no image.
func synced(t *testing.T, c *cluster.Cluster) {
	const key = `{"type": "service_account"}`
	write := func(b secret.Bundle) string {
		t.Helper()
		if err := c.Secrets().Apply(t.Context(), b, false); err != nil {
			t.Fatal(err)
		}
		return b.Name
	}
	for name, server := range map[string]string{
		"pull-by-host": "127.0.0.1:5000", "pull-by-address": "https://127.0.0.1:5000", "pull-by-path": "http://127.0.0.1:5000/keyed", "pull-elsewhere": "https://asia.gcr.io",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pod(t, "pause")
			main(p).Image = "127.0.0.1:5000/keyed/train:1"
			p.Spec.ImagePullSecrets = []corev1.LocalObjectReference{
				{Name: write(secret.DockerConfig("another-"+name, "https://europe-docker.pkg.dev", secret.NewValue([]byte(key))))},
				{Name: write(secret.DockerConfig(name, server, secret.NewValue([]byte(key))))},
			}
			create(t, c, p)
			want := []string{"127.0.0.1:5000/keyed/train:1: not found"}
			if name == "pull-elsewhere" {
				want = []string{"401 Unauthorized"}
			}
			sink := &sink{until: want}
			if _, err := follow(t, c, p.Labels[label], sink); err == nil || !sink.seen {
				t.Fatalf("what was told is %q, %v; want %q", sink.waits, err, want)
			}
		})
	}
	t.Run("a mounted key", func(t *testing.T) {
		t.Parallel()
		p := pod(t, "has=/key/gcp-service-account.json,"+key)
		name := write(secret.Opaque("gcp-sa-credentials", map[string]secret.Value{"gcp-service-account.json": secret.NewValue([]byte(key))}))
		p.Spec.Volumes = []corev1.Volume{{Name: "key", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}}}
		main(p).VolumeMounts = []corev1.VolumeMount{{Name: "key", MountPath: "/key", ReadOnly: true}}
		create(t, c, p)
		awaitPod(t, c, p.Name, func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
	})
}
