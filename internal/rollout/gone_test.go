package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// TestJobThatGoes waits for a Deployment and a Job that Kubernetes deletes after its end: while
// the Deployment is still waited for, or between two looks.
func TestJobThatGoes(t *testing.T) {
	seconds := int32(0)
	running := batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: metav1.ObjectMeta{Name: "migrate", UID: "j"},
		Spec: batchv1.JobSpec{TTLSecondsAfterFinished: &seconds}, Status: batchv1.JobStatus{StartTime: &metav1.Time{Time: time.Unix(1, 0)}, Active: 1}}
	complete := running
	complete.Status = batchv1.JobStatus{StartTime: running.Status.StartTime, Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}
	for name, c := range map[string]struct {
		looks []*batchv1.Job // nil is not found
		event *corev1.Event
		want  string
	}{
		"it was seen complete":    {[]*batchv1.Job{&running, &complete}, nil, ""},
		"it was complete":         {[]*batchv1.Job{&running}, &corev1.Event{Reason: "Completed", Type: corev1.EventTypeNormal}, ""},
		"it failed":               {[]*batchv1.Job{&running}, &corev1.Event{Reason: "BackoffLimitExceeded", Type: corev1.EventTypeWarning, Message: "too often"}, "it failed, and is gone: BackoffLimitExceeded: too often"},
		"nothing tells":           {[]*batchv1.Job{&running}, nil, "raise spec.ttlSecondsAfterFinished"},
		"somebody deleted it":     {[]*batchv1.Job{{TypeMeta: running.TypeMeta, ObjectMeta: running.ObjectMeta, Status: running.Status}}, nil, "Job migrate: it is gone"},
		"it was complete at once": {[]*batchv1.Job{&complete}, nil, ""},
	} {
		looks, deployments := 0, 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var answer any
			switch path := r.URL.Path; {
			case path == "/apis/apps/v1":
				answer = metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{{Name: "deployments", Namespaced: true, Kind: "Deployment"}}}
			case path == "/apis/batch/v1":
				answer = metav1.APIResourceList{GroupVersion: "batch/v1", APIResources: []metav1.APIResource{{Name: "jobs", Namespaced: true, Kind: "Job"}}}
			case strings.HasSuffix(path, "/events"):
				var list corev1.EventList
				if c.event != nil {
					list.Items = append(list.Items, *c.event)
				}
				answer = list
			case strings.HasSuffix(path, "/deployments/api"):
				answer = rolledOut()
				if deployments++; deployments < 4 {
					answer = deployment
				}
			case strings.HasSuffix(path, "/jobs/migrate") && looks < len(c.looks):
				looks++
				answer = c.looks[looks-1]
			default:
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		}))
		t.Cleanup(server.Close)
		to, err := cluster.Connect(&rest.Config{Host: server.URL}, "ns", "a")
		if err != nil {
			t.Fatal(err)
		}
		in, err := to.Objects()
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(0, 0)
		err = Wait(t.Context(), in, []Object{
			{Kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, Name: "api"},
			{Kind: schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, Name: "migrate"},
		}, Options{Timeout: time.Minute, Now: func() time.Time { return now }, Notify: func(Object, string) {},
			Pause: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }})
		if failed := new(exit.RolloutError); c.want == "" && err != nil || c.want != "" && (!errors.As(err, &failed) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
