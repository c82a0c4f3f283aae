package rollout

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

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
		in := answered(t, func(r *http.Request) any {
			switch path := r.URL.Path; {
			case path == "/apis/apps/v1":
				return metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{{Name: "deployments", Namespaced: true, Kind: "Deployment"}}}
			case path == "/apis/batch/v1":
				return metav1.APIResourceList{GroupVersion: "batch/v1", APIResources: []metav1.APIResource{{Name: "jobs", Namespaced: true, Kind: "Job"}}}
			case strings.HasSuffix(path, "/events"):
				var list corev1.EventList
				if c.event != nil {
					list.Items = append(list.Items, *c.event)
				}
				return list
			case strings.HasSuffix(path, "/deployments/api"):
				if deployments++; deployments < 4 {
					return deployment
				}
				return rolledOut()
			case strings.HasSuffix(path, "/jobs/migrate") && looks < len(c.looks):
				looks++
				return c.looks[looks-1]
			}
			return http.StatusNotFound
		})
		_, err := await(t, in, Object{Kind: schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"}, Name: "migrate"})
		if failed := new(exit.RolloutError); c.want == "" && err != nil || c.want != "" && (!errors.As(err, &failed) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
