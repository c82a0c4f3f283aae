package tasks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/tasks/report"
)

// deploymentManifest is a Deployment of an image whose replicas are left to an autoscaler.
func deploymentManifest(image string) string {
	return strings.NewReplacer("slipway://api", image, "  replicas: ${REPLICAS}\n", "").Replace(serverManifest)
}

// manifestRivals rolls back an apply while another one, and an autoscaler, have changed the same
// objects. What they did stays.
func manifestRivals(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "rivals")
	v, other := manifestsOn(t, access, "rivals"), manifestsOn(t, access, "rivals")
	v.write("k8s.yaml", configManifest("a", "1")+configManifest("b", "1")+deploymentManifest("api:1"))
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	fields := func() (text string) {
		d, err := clients.AppsV1().Deployments("rivals").Get(t.Context(), "api", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range d.ManagedFields {
			if m.Manager == "slipway" {
				text += fmt.Sprintf("%s %s\n", m.Operation, m.FieldsV1.Raw)
			}
		}
		return fmt.Sprintf("%s\n%s", d.Spec.Template.Spec.Containers[0].Image, text)
	}
	before := fields()
	v.write("k8s.yaml", configManifest("a", "2")+configManifest("b", "2")+configManifest("c", "2")+deploymentManifest("api:2"))
	other.write("k8s.yaml", configManifest("a", "3")+configManifest("c", "3"))
	ctx, end := context.WithCancel(t.Context())
	defer end()
	v.env.Events = sinkFunc(func(e report.Event) {
		if !strings.HasPrefix(e.Message, "Deployment api: ") || ctx.Err() != nil {
			return
		}
		if _, err := Apply(t.Context(), other.env, ApplyOptions{}); err != nil {
			t.Error(err)
		}
		if _, err := clients.AppsV1().Deployments("rivals").Patch(t.Context(), "api", types.MergePatchType, []byte(`{"spec":{"replicas":5}}`), metav1.PatchOptions{FieldManager: "autoscaler"}); err != nil {
			t.Error(err)
		}
		end()
	})
	result, err := Apply(ctx, v.env, ApplyOptions{RolloutTimeout: time.Minute, Rollback: true})
	if ExitCode(err) != ExitInterrupted || !strings.Contains(err.Error(), "ConfigMap a: it was changed meanwhile") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	var actions []string
	for _, m := range result.Manifests {
		actions = append(actions, m.Name+" "+string(m.Action))
	}
	if diff := cmp.Diff([]string{"a left", "b rolled-back", "c left", "api rolled-back"}, actions); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	values, inventory := configMaps(t, clients, "rivals")
	if diff := cmp.Diff([]string{"a=3", "b=1", "c=3"}, values); diff != "" || inventory != "v1 ConfigMap a\nv1 ConfigMap b\napps/v1 Deployment api\nv1 ConfigMap c\n" {
		t.Errorf("the inventory is\n%s(-want +got)\n%s", inventory, diff)
	}
	if diff := cmp.Diff(before, fields()); diff != "" {
		t.Errorf("the Deployment is not put back (-want +got)\n%s", diff)
	}
	if d, err := clients.AppsV1().Deployments("rivals").Get(t.Context(), "api", metav1.GetOptions{}); err != nil || *d.Spec.Replicas != 5 {
		t.Errorf("the autoscaler's replicas are lost: %+v, %v", d.Spec.Replicas, err)
	}
}

// manifestJob changes the image of a Job. It is replaced if it has finished, and otherwise the
// command ends before it changes anything. The dry run before names the registry.
func manifestJob(t *testing.T, access *rest.Config, images string) {
	clients := namespaced(t, access, "job")
	proxy := &recording{}
	v := manifestsOn(t, proxy.to(t, access), "job")
	v.write("slipway.yaml", "project: story\nregistry: "+images+"/story\ncluster: {kubeconfig: {path: kubeconfig}, namespace: job}\nimages: {api: {files: [page.html]}}\nmanifests: [k8s.yaml]\n")
	v.write("page.html", "one")
	v.write("k8s.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: 'slipway://api'}]}}}\n---\n"+configManifest("a", "1"))
	job := func() *batchv1.Job {
		t.Helper()
		found, err := clients.BatchV1().Jobs("job").Get(t.Context(), "migrate", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if _, err := Apply(t.Context(), v.env, ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if bodies := proxy.bodies.String(); !strings.Contains(bodies, images+"/story/api@sha256:0000") || strings.Contains(bodies, "slipway.invalid") {
		t.Errorf("the dry run does not name the registry: %s", bodies)
	}
	first := job()
	v.write("page.html", "two")
	v.write("k8s.yaml", strings.ReplaceAll(readFile(t, v, "k8s.yaml"), "'1'", "'2'"))
	if _, err := Deploy(t.Context(), v.env, DeployOptions{}); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "k8s.yaml:1:1: Job migrate is running, and the manifest changes what it runs") {
		t.Errorf("exit code %d: %v", ExitCode(err), err)
	}
	if values, _ := configMaps(t, clients, "job"); values[0] != "a=1" || job().UID != first.UID {
		t.Errorf("it has changed %v", values)
	}
	now := metav1.Now()
	first.Status.StartTime, first.Status.CompletionTime = &now, &now
	first.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}, {Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	if _, err := clients.BatchV1().Jobs("job").UpdateStatus(t.Context(), first, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	result, err := Apply(t.Context(), v.env, ApplyOptions{})
	if err != nil || len(result.Manifests) != 2 || result.Manifests[1].Action != "replace" || job().UID == first.UID {
		t.Errorf("%+v, %v", result.Manifests, err)
	}
}

// manifestQuota plans what a quota refuses. The plan says so, and does not take it for a cluster
// that cannot be asked.
func manifestQuota(t *testing.T, access *rest.Config) {
	clients := namespaced(t, access, "quota")
	none := corev1.ResourceList{"count/configmaps": resource.MustParse("0")}
	quota, err := clients.CoreV1().ResourceQuotas("quota").Create(t.Context(), &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "few"}, Spec: corev1.ResourceQuotaSpec{Hard: none}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	if _, err := clients.CoreV1().ResourceQuotas("quota").UpdateStatus(t.Context(), quota, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	v := manifestsOn(t, access, "quota")
	v.write("k8s.yaml", configManifest("a", "1"))
	for n := 0; ; n++ { // the server may see a new quota a moment later
		result, err := Plan(t.Context(), v.env, PlanOptions{})
		if ExitCode(err) == ExitUsage && strings.Contains(err.Error(), "k8s.yaml:1:1: ") && strings.Contains(err.Error(), "exceeded quota: few") && len(result.Manifests) == 0 {
			return
		}
		if n == 50 {
			t.Fatalf("exit code %d: %v, %+v", ExitCode(err), err, result.Manifests)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// recording passes requests to a cluster, and keeps the bodies of dry runs.
type recording struct {
	mu     sync.Mutex
	bodies strings.Builder
}

func (r *recording) to(t *testing.T, access *rest.Config) *rest.Config {
	t.Helper()
	c := &cut{}
	through := c.cutting(t, access)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Query().Get("dryRun") != "" {
			body, err := io.ReadAll(request.Body)
			if err != nil {
				panic(errors.Join(http.ErrAbortHandler, err))
			}
			r.mu.Lock()
			r.bodies.Write(body)
			r.mu.Unlock()
			request.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		c.next.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	through.Host = server.URL
	return through
}
