package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
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
	train, _ := p.takeRoad(t)
	p.finds(t)
	if again := p.deploy(t); len(again.Served) != 2 || again.Served[0].Action != report.ActionUnchanged {
		t.Errorf("with nothing to do, served is %+v", again.Served)
	}
	p.appliesServers(t, train.UUID)
}

// appliesServers applies the manifests of docs/serving.md, FastAPI's and Streamlit's, which then serve the same
// model beside the services of Polyaxon.
func (p *penguins) appliesServers(t *testing.T, run string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "serving.md"))
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer("main:app", "penguins.api:app", "page.py", "/app/src/penguins/page.py", "claimName: datasets", "claimName: polyaxon-pvc")
	blocks := regexp.MustCompile("(?s)```yaml\n# (k8s/[a-z]+\\.yaml)\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/serving.md has %d manifests", len(blocks))
	}
	for _, block := range blocks {
		mustWrite(t, filepath.Join(p.dir, block[1]), own.Replace(block[2]), 0o600)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "slipway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, filepath.Join(p.dir, "slipway.yaml"), string(text)+"\nmanifests: [k8s]\n", 0o600)
	var result report.Result
	if err := json.Unmarshal(p.run(t, "apply", "-o", "json"), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Served) != 2 {
		t.Errorf("served is %+v", result.Served)
	}
	for _, s := range result.Served {
		if s.Run != run || s.Action != report.ActionCreate || !slices.Contains(s.By, "Deployment "+s.Name) {
			t.Errorf("served is %+v, want run %s", s, run)
		}
	}
	forwarded := func(name string) string {
		port := forwardPort(t)
		background(t, port, p.command(context.Background(), "dashboard", "svc/"+name, "--port", strconv.Itoa(port)))
		return fmt.Sprintf("http://127.0.0.1:%d/", port)
	}
	newBrowser(t).opens(t, forwarded("api")+"health", "health", `"run":"`+run+`"`)
	startChromium(t).shows(t, forwarded("page"), "Model of run "+run, "Adelie")
}

// finds deploys a program with OpenCV, which needs Debian's libgl1, to the node. The story packages does so on the
// sandbox.
func (p *penguins) finds(t *testing.T) {
	t.Helper()
	if err := os.CopyFS(p.dir, os.DirFS(filepath.Join("testdata", "vision"))); err != nil {
		t.Fatal(err)
	}
	var result report.Result
	if err := json.Unmarshal(p.run(t, "deploy", "-f", "vision.yaml", "-o", "json"), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Jobs) != 1 || result.Jobs[0].Metrics["edges"] != 124 {
		t.Errorf("OpenCV: %+v", result.Jobs)
	}
	p.keepWheels(t)
}
