package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
)

// works are workloads whose pods a test sets.
type works struct {
	mu      sync.Mutex
	pods    []*corev1.Pod
	changed chan struct{}
}

func (w *works) Objects() (*kubernetes.Objects, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &kubernetes.Objects{Pods: slices.Clone(w.pods)}, w.changed
}

func (w *works) set(pods ...*corev1.Pod) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods = pods
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *works) Lines(_ context.Context, _, _ string, _ int64, _ bool, visit func(kubernetes.Line) error) error {
	for _, text := range []string{"one", "two"} {
		if err := visit(kubernetes.Line{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Text: text}); err != nil {
			return err
		}
	}
	return nil
}

func (w *works) Dial(context.Context, string, int) (net.Conn, error) { return nil, io.ErrClosedPipe }

// pod returns a pod of one container in a phase.
func pod(name string, phase corev1.PodPhase) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns", CreationTimestamp: metav1.Now()},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}, Status: corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{Name: "main"}}},
	}
	if phase == corev1.PodPending {
		p.Status.ContainerStatuses[0].State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	}
	return p
}

// attach serves a cluster with workloads.
func attach(t *testing.T) (*works, *client.CoreV1Client, string) {
	t.Helper()
	server, err := kubernetes.New(t.TempDir(), "ns")
	if err != nil {
		t.Fatal(err)
	}
	w := &works{changed: make(chan struct{})}
	server.Attach(w)
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	c, err := client.NewForConfig(&rest.Config{Host: listening.URL, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	return w, c, listening.URL
}

// next returns the type and the name of a watch's next event.
func next(t *testing.T, w watch.Interface) string {
	t.Helper()
	select {
	case e, ok := <-w.ResultChan():
		if !ok {
			return "end"
		}
		if x, ok := e.Object.(metav1.Object); ok {
			return string(e.Type) + " " + x.GetName()
		}
		return string(e.Type)
	case <-time.After(20 * time.Second):
		t.Fatal("the watch says nothing")
		return ""
	}
}

// TestWatch checks that a watch sees each change after its list, and nothing else, by its
// selectors.
func TestWatch(t *testing.T) {
	t.Parallel()
	_, c := open(t, t.TempDir())
	secrets, ctx := c.Secrets("ns"), t.Context()
	must[*corev1.Secret](t)(secrets.Create(ctx, secretOf("before"), metav1.CreateOptions{}))
	listed := must[*corev1.SecretList](t)(secrets.List(ctx, metav1.ListOptions{}))
	all := must[watch.Interface](t)(secrets.Watch(ctx, metav1.ListOptions{ResourceVersion: listed.ResourceVersion}))
	defer all.Stop()
	labelled := must[watch.Interface](t)(secrets.Watch(ctx, metav1.ListOptions{LabelSelector: "l=1"}))
	defer labelled.Stop()
	yes := true
	initial := must[watch.Interface](t)(secrets.Watch(ctx, metav1.ListOptions{SendInitialEvents: &yes, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, AllowWatchBookmarks: true}))
	defer initial.Stop()
	if first, second := next(t, initial), next(t, initial); first != "ADDED before" || second != "BOOKMARK " {
		t.Errorf("the initial events are %q and %q", first, second)
	}
	s := secretOf("s", "k", "1")
	must[*corev1.Secret](t)(c.Secrets("other").Create(ctx, secretOf("elsewhere"), metav1.CreateOptions{}))
	s = must[*corev1.Secret](t)(secrets.Create(ctx, s, metav1.CreateOptions{}))
	s.Labels = map[string]string{"l": "1"}
	s = must[*corev1.Secret](t)(secrets.Update(ctx, s, metav1.UpdateOptions{}))
	s.Labels = nil
	must[*corev1.Secret](t)(secrets.Update(ctx, s, metav1.UpdateOptions{}))
	must[*corev1.Secret](t)(secrets.Create(ctx, secretOf("dry"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}))
	if err := secrets.Delete(ctx, "s", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ADDED s", "MODIFIED s", "MODIFIED s", "DELETED s"} {
		if have := next(t, all); have != want {
			t.Errorf("the watch saw %q, want %q", have, want)
		}
	}
	for _, want := range []string{"ADDED s", "DELETED s"} {
		if have := next(t, labelled); have != want {
			t.Errorf("the watch by labels saw %q, want %q", have, want)
		}
	}
	second := int64(1)
	short := must[watch.Interface](t)(secrets.Watch(ctx, metav1.ListOptions{TimeoutSeconds: &second}))
	if first, second := next(t, short), next(t, short); first != "ADDED before" || second != "end" {
		t.Errorf("a watch of a second saw %q and %q", first, second)
	}
}

// TestHistory checks that a watch from before the changes that are kept is refused, so
// that its client lists again.
func TestHistory(t *testing.T) {
	t.Parallel()
	w, c, _ := attach(t)
	listed := must[*corev1.PodList](t)(c.Pods("ns").List(t.Context(), metav1.ListOptions{}))
	var pods []*corev1.Pod
	for n := range 1001 {
		pods = append(pods, pod(fmt.Sprint("pod-", n), corev1.PodRunning))
	}
	w.set(pods...)
	must[*corev1.PodList](t)(c.Pods("ns").List(t.Context(), metav1.ListOptions{}))
	if _, err := c.Pods("ns").Watch(t.Context(), metav1.ListOptions{ResourceVersion: listed.ResourceVersion}); !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from before the history: %v", err)
	}
}

// TestDerived checks that clients see pods as they are now, and what changes, and that
// they cannot write them.
func TestDerived(t *testing.T) {
	t.Parallel()
	w, c, _ := attach(t)
	pods, ctx := c.Pods("ns"), t.Context()
	one := pod("one", corev1.PodPending)
	w.set(one)
	listed := must[*corev1.PodList](t)(pods.List(ctx, metav1.ListOptions{}))
	if len(listed.Items) != 1 || listed.Items[0].ResourceVersion == "" || listed.Items[0].Kind != "Pod" && listed.Items[0].Kind != "" {
		t.Fatalf("listed %+v", listed.Items)
	}
	again := must[*corev1.Pod](t)(pods.Get(ctx, "one", metav1.GetOptions{}))
	if again.ResourceVersion != listed.Items[0].ResourceVersion {
		t.Error("a pod that did not change has another version")
	}
	seen := must[watch.Interface](t)(pods.Watch(ctx, metav1.ListOptions{ResourceVersion: listed.ResourceVersion}))
	defer seen.Stop()
	ready := must[watch.Interface](t)(pods.Watch(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"}))
	defer ready.Stop()
	w.set(one, pod("two", corev1.PodRunning))
	w.set(pod("one", corev1.PodRunning))
	want := map[string]bool{"ADDED two": true, "MODIFIED one": true, "DELETED two": true}
	for len(want) > 0 {
		have := next(t, seen)
		if !want[have] && have != "ADDED two" {
			t.Fatalf("the watch saw %q, want one of %v", have, want)
		}
		delete(want, have)
		if have == "MODIFIED one" { // the server may have missed that two was there
			delete(want, "ADDED two")
			delete(want, "DELETED two")
		}
	}
	for have := ""; have != "ADDED one"; have = next(t, ready) {
		if have == "DELETED one" {
			t.Error("one is not running for the watch by phase")
		}
	}
	_, err := pods.Create(ctx, pod("three", corev1.PodRunning), metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `pods is forbidden: User "slipway" cannot create resource "pods" in API group "" in the namespace "ns": `) && !strings.Contains(err.Error(), "pods") {
		t.Errorf("a pod was created: %v", err)
	}
	if err = pods.Delete(ctx, "one", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `cannot delete resource "pods"`) {
		t.Errorf("a pod was deleted: %v", err)
	}
	tail := int64(1)
	if err = pods.GetLogs("one", &corev1.PodLogOptions{Container: "other", TailLines: &tail}).Do(ctx).Error(); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "container other is not valid for pod one") {
		t.Errorf("the log of no container: %v", err)
	}
	bytes := int64(5)
	text, err := pods.GetLogs("one", &corev1.PodLogOptions{Timestamps: false, LimitBytes: &bytes}).DoRaw(ctx)
	if err != nil || string(text) != "one\nt" {
		t.Errorf("the log is %q, %v", text, err)
	}
}

// TestForms checks what a client gets that asks for a table, or for metadata only.
func TestForms(t *testing.T) {
	t.Parallel()
	w, c, url := attach(t)
	w.set(pod("one", corev1.PodPending))
	must[*corev1.Secret](t)(c.Secrets("ns").Create(t.Context(), secretOf("s", "k", "hush"), metav1.CreateOptions{}))
	ask := func(path, accept string) map[string]any {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", accept)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || strings.Contains(string(text), "aHVzaA==") && strings.Contains(accept, "v=v1;") {
			t.Errorf("%s: %v: it has the value of the secret: %s", accept, err, text)
		}
		var body map[string]any
		if err := json.Unmarshal(text, &body); err != nil {
			t.Fatal(err)
		}
		return body
	}
	const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	cellsOf := func(body map[string]any) []any {
		return body["rows"].([]any)[0].(map[string]any)["cells"].([]any)
	}
	if body := ask("/api/v1/namespaces/ns/secrets", table); body["kind"] != "Table" || len(cellsOf(body)) != 4 || cellsOf(body)[0] != "s" || cellsOf(body)[2] != 1.0 {
		t.Errorf("the table of secrets is %v", body)
	}
	if body := ask("/api/v1/pods", table); len(cellsOf(body)) != 9 || cellsOf(body)[1] != "0/1" || cellsOf(body)[2] != "ContainerCreating" {
		t.Errorf("the table of pods is %v", body)
	}
	for accept, want := range map[string]string{
		"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json": "PartialObjectMetadataList",
		"application/json;as=Table;v=v9;g=meta.k8s.io,application/json":                     "SecretList",
		"application/vnd.kubernetes.protobuf,application/json":                              "SecretList",
		"": "SecretList",
	} {
		if body := ask("/api/v1/namespaces/ns/secrets", accept); body["kind"] != want {
			t.Errorf("%s: %v", accept, body["kind"])
		}
	}
	if body := ask("/api/v1/namespaces/ns/secrets/s", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"); body["kind"] != "PartialObjectMetadata" || body["data"] != nil {
		t.Errorf("the metadata is %v", body)
	}
}
