package sandbox_test

import (
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

// TestStateSurvivesRestart restarts a sandbox whose directory has a name that looks like a
// pattern. Its images, runs and secrets are still there.
func TestStateSurvivesRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "team [a-z]*", "sandbox")
	h := attack(t, dir)
	secrets := func() *kubernetes.Clientset {
		client, err := kubernetes.NewForConfig(h.Access())
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	if _, err := secrets().CoreV1().Secrets(h.Namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	before, status, _ := h.run(t, "")
	if status != polyaxon.Succeeded {
		t.Fatalf("the run is %s", status)
	}
	if err := h.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Sandbox = join(t, dir)
	client, err := polyaxon.New(polyaxon.Options{Host: h.Polyaxon, Token: h.Token})
	if err != nil {
		t.Fatal(err)
	}
	h.client = client
	if run, err := client.Run(t.Context(), "hostile", before); err != nil || run.Status != polyaxon.Succeeded {
		t.Errorf("the run of before: %+v, %v", run, err)
	}
	if _, err := secrets().CoreV1().Secrets(h.Namespace).Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("the secret of before: %v", err)
	}
	if _, status, lines := h.run(t, ""); status != polyaxon.Succeeded {
		t.Errorf("a run of the image of before is %s: %q", status, lines)
	}
}
