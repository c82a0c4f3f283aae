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

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/tasks/exit"
)

// deployment is a Deployment at its second revision that is not rolled out.
var deployment = &appsv1.Deployment{
	TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
	ObjectMeta: metav1.ObjectMeta{Name: "api", UID: "u", Generation: 2, Annotations: map[string]string{deploymentRevision: "2"}},
	Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "api"}}},
	Status:     appsv1.DeploymentStatus{ObservedGeneration: 2},
}

// waiting returns a pod whose container waits for a reason.
func waiting(reason, message string, restarts int32) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-2-x"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "server", RestartCount: restarts, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	}}}}
}

// rolledOut returns the Deployment when it is rolled out.
func rolledOut() *appsv1.Deployment {
	d, one := deployment.DeepCopy(), int32(1)
	d.Spec.Replicas = &one
	d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = 1, 1, 1, 1
	d.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue}}
	return d
}

// serve starts an API server with the Deployment, its ReplicaSets, and a pod of the new one. Its
// old pod never starts either, which means nothing. pod returns nil if nobody may list pods.
func serve(t *testing.T, deployed func() *appsv1.Deployment, pod func() *corev1.Pod) *cluster.Objects {
	controlled := true
	set := func(revision string) appsv1.ReplicaSet {
		return appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "api-" + revision, Labels: map[string]string{podTemplateHash: revision},
			Annotations: map[string]string{deploymentRevision: revision}, OwnerReferences: []metav1.OwnerReference{{UID: "u", Controller: &controlled}}}}
	}
	return answered(t, func(r *http.Request) any {
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/deployments/api"):
			if found := deployed(); found != nil {
				return found
			}
			return http.StatusServiceUnavailable // it cannot answer now
		case strings.HasSuffix(path, "/replicasets"):
			return appsv1.ReplicaSetList{Items: []appsv1.ReplicaSet{set("1"), set("2")}}
		case path == "/apis/apps/v1":
			return metav1.APIResourceList{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{{Name: "deployments", Namespaced: true, Kind: "Deployment"}}}
		case strings.HasSuffix(path, "/pods"):
			made := pod()
			if made == nil {
				return http.StatusForbidden
			}
			if !strings.Contains(r.URL.Query().Get("labelSelector"), podTemplateHash+"=2") {
				*made = waiting("InvalidImageName", "", 0)
			}
			return corev1.PodList{Items: []corev1.Pod{*made}}
		}
		return http.StatusNotFound
	})
}

// answered starts an API server, and returns its objects. answer returns what a request is answered
// with: an object, or a status code alone.
func answered(t *testing.T, answer func(*http.Request) any) *cluster.Objects {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		object := answer(r)
		if code, alone := object.(int); alone {
			w.WriteHeader(code)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object)
	}))
	t.Cleanup(server.Close)
	c, err := cluster.Connect(&rest.Config{Host: server.URL}, "ns", "a")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := c.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// await waits at most a minute for the Deployment and other objects, and returns how long it has waited.
func await(t *testing.T, in *cluster.Objects, others ...Object) (time.Duration, error) {
	start := time.Unix(0, 0)
	now := start
	objects := append([]Object{{Kind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, Name: "api"}}, others...)
	err := Wait(t.Context(), in, objects, Options{
		Timeout: time.Minute, Now: func() time.Time { return now }, Notify: func(Object, string) {},
		Pause: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
	return now.Sub(start), err
}

// TestSettles waits for a Deployment that is ready for a moment, and then for good.
func TestSettles(t *testing.T) {
	looks := 0
	in := serve(t, func() *appsv1.Deployment {
		if looks++; looks == 2 || looks > 4 {
			return rolledOut()
		}
		return deployment
	}, func() *corev1.Pod { pod := waiting("ContainerCreating", "", 0); return &pod })
	// It waits a second after looks 1, 3 and 4, and settles after 2 and 5.
	if took, err := await(t, in); err != nil || looks != 6 || took != 3*pause+2*settle {
		t.Errorf("%d looks in %s, %v", looks, took, err)
	}
	if took, err := await(t, in); err != nil || took != 0 {
		t.Errorf("it waits %s for what is rolled out, %v", took, err)
	}
}

// TestStuck waits for a Deployment whose pod does not start, and says how long.
func TestStuck(t *testing.T) {
	crashes := int32(0)
	one := func(reason, message string) func() *corev1.Pod {
		return func() *corev1.Pod { pod := waiting(reason, message, 0); return &pod }
	}
	for name, c := range map[string]struct {
		pod    func() *corev1.Pod
		after  time.Duration
		reason string
	}{
		"a name that is none": {one("InvalidImageName", ""), 0, "correct the name of the image"},
		"no such image":       {one("ImagePullBackOff", "pulling image: ErrImagePull: not found"), patience, "the image was not found in the registry"},
		"no permission":       {one("ErrImagePull", "403 Forbidden"), patience, "the registry denied the cluster permission"},
		"no secret":           {one("CreateContainerConfigError", `secret "token" not found`), patience, "name the secret token under secrets in slipway.yaml"},
		"it crashes": {func() *corev1.Pod { crashes++; pod := waiting("CrashLoopBackOff", "", crashes/10); return &pod },
			29 * time.Second, "the container keeps crashing"},
		"it starts":      {one("ContainerCreating", ""), time.Minute, "ContainerCreating"},
		"it may not see": {func() *corev1.Pod { return nil }, time.Minute, ""},
	} {
		took, err := await(t, serve(t, func() *appsv1.Deployment { return deployment }, c.pod))
		failed := new(exit.RolloutError)
		if !errors.As(err, &failed) {
			t.Fatalf("%s: %v", name, err)
		}
		if took != c.after {
			t.Errorf("%s: it waits %s, not %s: %v", name, took, c.after, err)
		}
		if !strings.Contains(err.Error(), c.reason) || strings.Contains(err.Error(), "will not be rolled out") != (c.after < time.Minute) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
