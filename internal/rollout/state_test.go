package rollout

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/slipway-ci/slipway/internal/cluster"
)

// objectsOf returns access to a server that gives these answers by path.
func objectsOf(t *testing.T, answers map[string]any) *cluster.Objects {
	t.Helper()
	return answered(t, func(r *http.Request) any {
		if answer, has := answers[r.URL.Path]; has {
			return answer
		}
		return http.StatusNotFound
	})
}

// TestState tells the states that kstatus counts as rolled out too early.
func TestState(t *testing.T) {
	models := metav1.APIResourceList{GroupVersion: "acme.dev/v1", APIResources: []metav1.APIResource{
		{Name: "models", Kind: "Model", Namespaced: true}, {Name: "models/status", Kind: "Model", Namespaced: true}, {Name: "plains", Kind: "Plain", Namespaced: true}}}
	in := objectsOf(t, map[string]any{"/apis/acme.dev/v1": models})
	for text, want := range map[string]struct {
		after time.Duration
		state status.Status
		note  bool
	}{
		`{"apiVersion":"batch/v1","kind":"Job","status":{"startTime":"2026-01-01T00:00:00Z","active":1}}`:                                                              {0, status.InProgressStatus, false},
		`{"apiVersion":"batch/v1","kind":"Job","status":{"startTime":"x","conditions":[{"type":"Complete","status":"True"}]}}`:                                         {0, status.CurrentStatus, false},
		`{"apiVersion":"batch/v1","kind":"Job","status":{"startTime":"x","conditions":[{"type":"Failed","status":"True"}]}}`:                                           {0, status.FailedStatus, false},
		`{"apiVersion":"batch/v1","kind":"Job","spec":{"suspend":true},"status":{"startTime":"x"}}`:                                                                    {0, status.CurrentStatus, false},
		`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Failed"}}`:                                                                                                 {0, status.FailedStatus, false},
		`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Unknown"}}`:                                                                                                {0, status.InProgressStatus, false},
		`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Succeeded"}}`:                                                                                              {0, status.CurrentStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model"}`:                                                                                                                  {0, status.InProgressStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model","status":{}}`:                                                                                                      {statusPatience, status.CurrentStatus, true},
		`{"apiVersion":"acme.dev/v1","kind":"Model","metadata":{"generation":2},"status":{"observedGeneration":1}}`:                                                    {0, status.InProgressStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model","metadata":{"generation":2},"status":{"observedGeneration":2}}`:                                                    {0, status.CurrentStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model","metadata":{"generation":2},"status":{"observedGeneration":"1"}}`:                                                  {0, status.InProgressStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model","metadata":{"generation":2},"status":{"observedGeneration":"2","conditions":[{"type":"Ready","status":"False"}]}}`: {0, status.InProgressStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Model","metadata":{"generation":2},"status":{"observedGeneration":"5d8c9"}}`:                                              {statusPatience, status.CurrentStatus, true},
		`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":2},"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":2,"desiredNumberScheduled":1,"currentNumberScheduled":1,"numberAvailable":1,"numberReady":1}}`: {0, status.CurrentStatus, false},
		`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":2},"spec":{"updateStrategy":{"type":"OnDelete"}},"status":{"observedGeneration":2,"desiredNumberScheduled":1,"currentNumberScheduled":1}}`:                                     {0, status.InProgressStatus, false},
		`{"apiVersion":"acme.dev/v1","kind":"Plain"}`:                 {0, status.CurrentStatus, true},
		`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role"}`: {0, status.CurrentStatus, false},
	} {
		found := &unstructured.Unstructured{}
		if err := found.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		noted := ""
		w := &wait{in: in, noted: map[Object]bool{}, passing: passing{}, Options: Options{Now: func() time.Time { return time.Unix(0, 0).Add(want.after) }, Notify: func(_ Object, message string) { noted = message }}, begun: time.Unix(0, 0)}
		state, err := w.state(t.Context(), Object{Kind: found.GroupVersionKind(), Name: "x", Changed: true}, found)
		if err != nil || state.Status != want.state || (noted != "") != want.note {
			t.Errorf("%s after %s: %+v, %v, noted %q", text, want.after, state, err, noted)
		}
	}
}

// TestCauses tells why no pod of a workload can be created.
func TestCauses(t *testing.T) {
	const message = `pods "a" is forbidden: exceeded quota: gpus, requested: x`
	events := corev1.EventList{Items: []corev1.Event{
		{Type: corev1.EventTypeNormal, Reason: "SuccessfulCreate", LastTimestamp: metav1.Unix(1, 0)},
		{Type: corev1.EventTypeWarning, Reason: "FailedCreate", Message: message, LastTimestamp: metav1.Unix(2, 0)},
	}}
	in := objectsOf(t, map[string]any{"/api/v1/namespaces/ns/events": events})
	a := &causes{now: func() time.Time { return time.Unix(0, 0) }}
	condition := []any{map[string]any{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}}
	for _, found := range []map[string]any{
		{"kind": "Deployment", "status": map[string]any{"conditions": condition}}, {"kind": "Job"}, {"kind": "StatefulSet"},
	} {
		if got := a.of(t.Context(), in.Cluster, &unstructured.Unstructured{Object: found}); !strings.Contains(got, "FailedCreate: "+message) || !strings.Contains(got, "; the namespace's quota gpus is used up") {
			t.Errorf("%s: %q", found["kind"], got)
		}
	}
	if got := a.of(t.Context(), in.Cluster, &unstructured.Unstructured{Object: map[string]any{"kind": "Deployment"}}); got != "" {
		t.Error(got)
	}
}

// TestOutage waits while the API server is away, for a while and then for good.
func TestOutage(t *testing.T) {
	now, away := time.Unix(0, 0), time.Duration(0)
	in := serve(t, func() *appsv1.Deployment {
		if now.Sub(time.Unix(0, 0)) < away {
			return nil
		}
		return rolledOut()
	}, func() *corev1.Pod { return nil })
	var told []string
	pause := func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
	in.Pause = pause
	in.Patience = &cluster.Patience{Limit: 2 * time.Minute, Now: func() time.Time { return now }, Pause: pause, Notify: func(message string) { told = append(told, message) }}
	away = 100 * time.Second
	if _, err := await(t, in); err != nil || len(told) != 2 || !strings.Contains(told[0], "cluster a does not answer; it is asked again for 2m0s") || told[1] != "cluster a answers again" {
		t.Errorf("%q, %v", told, err)
	}
	now, away = time.Unix(0, 0), time.Hour
	if _, err := await(t, in); err == nil || !strings.Contains(err.Error(), "cluster a has not answered for 2m") || now.Sub(time.Unix(0, 0)) > 3*time.Minute {
		t.Errorf("after %s: %v", now.Sub(time.Unix(0, 0)), err)
	}
}

// TestBlocked names the pod of an older revision for which a StatefulSet waits in vain.
func TestBlocked(t *testing.T) {
	stuck := waiting("ErrImagePull", "not found", 0)
	stuck.Name = "web-0"
	in := objectsOf(t, map[string]any{"/api/v1/namespaces/ns/pods": corev1.PodList{Items: []corev1.Pod{waiting("ContainerCreating", "", 0), stuck}}})
	w := &wait{in: in, causes: &causes{now: func() time.Time { return time.Unix(0, 0) }}}
	for _, c := range []struct{ kind, policy, want string }{
		{"StatefulSet", "", "Ready: 0/1: Kubernetes waits for pod web-0 of an older revision, which cannot start: delete it (kubectl delete pod web-0)"},
		{"StatefulSet", "OrderedReady", "(kubectl delete pod web-0)"}, {"StatefulSet", "Parallel", "Ready: 0/1"}, {"DaemonSet", "", "Ready: 0/1"},
	} {
		found := &unstructured.Unstructured{Object: map[string]any{"kind": c.kind, "status": map[string]any{"updateRevision": "web-2"},
			"spec": map[string]any{"podManagementPolicy": c.policy, "selector": map[string]any{"matchLabels": map[string]any{"app": "web"}}}}}
		if got := w.withCause(t.Context(), found, "Ready: 0/1"); !strings.HasSuffix(got, c.want) {
			t.Errorf("%s %s: %q", c.kind, c.policy, got)
		}
	}
}
