package main

import (
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/google/googletest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestPenguinsOnNode takes the road of examples/python on real servers: a Kubernetes node, Polyaxon
// 2.18's server and agent, MLflow, a registry, and fake-gcs-server for Cloud Storage.
//
// It is not parallel: with TestPenguins at its side MLflow does not answer in time on two processors.
func TestPenguinsOnNode(t *testing.T) {
	if !testenv.Thorough() {
		t.Skip("it builds images of 700 MB and runs for minutes; CI=true runs it")
	}
	testenv.Penguins(t)
	node := testenv.PolyaxonOnNode(t, []map[string]any{
		{"name": "fstore-pvc", "kind": "volume_claim", "schema": map[string]any{"mountPath": "/polyaxon-v1-data", "volumeClaim": "polyaxon-pvc"}},
	})
	clients, err := kubernetes.NewForConfig(node.Access)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Provision(t, clients, "shared", false)
	class := "shared"
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "polyaxon-pvc"}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
	if _, err := clients.CoreV1().PersistentVolumeClaims(testenv.PolyaxonNamespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	images := testenv.Registry(t)
	node.Forward(images, images)
	cloud := googletest.New(t).Listen()
	account := string(cloud.NewKey(cloud.Account("deployer")))
	key := filepath.Join(t.TempDir(), "key.json")
	mustWrite(t, key, account, 0o600)

	p := newPenguins(t)
	p.env = append(p.env, "REGISTRY="+images+"/penguins", "KUBECONFIG="+node.Kubeconfig, "POLYAXON_HOST="+node.Host, "BUCKET=penguins", "BUSYBOX="+testenv.BusyboxImage,
		"GCP_SA_KEY="+account, "GOOGLE_APPLICATION_CREDENTIALS="+key, "CLOUDSDK_AUTH_TOKEN_HOST="+cloud.Endpoints().Token,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE="+testenv.CloudStorageOnDisk(t)+"/", "SLIPWAY_ENV=cluster")
	p.run(t, "data", "mb", "gs://penguins")
	p.takeRoad(t)
	if again := p.deploy(t); len(again.Served) != 2 || again.Served[0].Action != report.ActionUnchanged {
		t.Errorf("with nothing to do, served is %+v", again.Served)
	}
}
