package tasks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRolloutOnNode applies a server that starts, and then one that fails, to a real API server,
// controllers, kubelet and container runtime. The failure is explained, and rolled back.
func TestRolloutOnNode(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("a node of its own is for CI; TestManifests applies to a real API server")
	}
	access, _ := testenv.Node(t)
	clients := clientsOf(t, access)
	v := vaultOn(t, access)
	v.write("slipway.yaml", "project: story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: ns, create-namespace: true}\nmanifests: [k8s]\n")
	if err := os.Mkdir(filepath.Join(v.dir, "k8s"), 0o700); err != nil {
		t.Fatal(err)
	}
	server := func(args string) {
		v.write("k8s/api.yaml", fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {automountServiceAccountToken: false, containers: [{name: api, image: %s, args: [%s]}]}
`, testenv.PodImage, args))
	}
	stored := func() (args []string, fields string) {
		t.Helper()
		d, err := clients.AppsV1().Deployments("ns").Get(t.Context(), "api", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range d.ManagedFields {
			if m.Subresource == "" && m.Manager == "slipway" {
				fields += fmt.Sprintf("%s %s\n", m.Operation, m.FieldsV1.Raw)
			}
		}
		return d.Spec.Template.Spec.Containers[0].Args, fields
	}

	server("'serve=8000'")
	if _, err := Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	if text := v.events.String(); !strings.Contains(text, "Deployment api: rolled out") {
		t.Errorf("it does not say what it waits for:\n%s", text)
	}
	before, fields := stored()

	server("'print=no model', 'exit=3'")
	failed := new(RolloutError)
	_, err := Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: 15 * time.Second, Rollback: true})
	if !errors.As(err, &failed) || ExitCode(err) != ExitFailed || !strings.Contains(err.Error(), "not rolled out within 15s") || len(failed.Pods) != 1 {
		t.Fatalf("exit code %d: %v", ExitCode(err), err)
	}
	if diff := cmp.Diff([]string{"no model"}, failed.Pods[0].LastLines); diff != "" || failed.Pods[0].Container != "api" {
		t.Errorf("%+v (-want +got)\n%s", failed.Pods[0], diff)
	}
	after, fieldsAfter := stored()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it is not rolled back (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(fields, fieldsAfter); diff != "" {
		t.Errorf("the field managers are others (-want +got)\n%s", diff)
	}

	// It does not wait for an image that will not come.
	text, err := os.ReadFile(filepath.Join(v.dir, "k8s/api.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	v.write("k8s/api.yaml", strings.ReplaceAll(string(text), testenv.PodImage, "slipway.test/none:1, imagePullPolicy: Never"))
	_, err = Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: 5 * time.Minute, Rollback: true})
	if ExitCode(err) != ExitFailed || !strings.Contains(err.Error(), "Deployment api: it will not be rolled out") || !strings.Contains(err.Error(), "ErrImageNeverPull") || !strings.Contains(err.Error(), "; check that the image exists") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}

	// What was not there before is deleted.
	v.write("k8s/claim.yaml", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], storageClassName: none, resources: {requests: {storage: 1Gi}}}\n")
	server("'serve=8000'")
	if _, err := Apply(t.Context(), v.env, ApplyOptions{RolloutTimeout: time.Second, Rollback: true}); ExitCode(err) != ExitFailed || !strings.Contains(err.Error(), "PersistentVolumeClaim data: not rolled out within 1s") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	if claim, err := clients.CoreV1().PersistentVolumeClaims("ns").Get(t.Context(), "data", metav1.GetOptions{}); err == nil && claim.DeletionTimestamp == nil {
		t.Error("the claim is left")
	}
	noPods(t, v, clients)
}
