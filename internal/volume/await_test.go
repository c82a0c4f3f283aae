package volume_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/volume"
)

// api is an API server with one pod. The pod has each of the statuses for one look, and the last one from then on.
// After a nil status there is no pod.
type api struct {
	mu       sync.Mutex
	statuses []*corev1.PodStatus
	made     *corev1.Pod
	deleted  bool
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var answer runtime.Object
	code := http.StatusOK
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pods"):
		body, err := io.ReadAll(r.Body)
		a.made = &corev1.Pod{}
		if err == nil {
			err = runtime.DecodeInto(scheme.Codecs.UniversalDeserializer(), body, a.made)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer = a.made
	case r.Method == http.MethodDelete:
		a.deleted = true
		answer = &metav1.Status{Status: metav1.StatusSuccess}
	case strings.HasSuffix(r.URL.Path, "/events"):
		answer = &corev1.EventList{}
	case a.statuses[0] == nil:
		code = http.StatusNotFound
		answer = &metav1.Status{Status: metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
	default:
		pod := *a.made
		pod.Status = *a.statuses[0]
		if len(a.statuses) > 1 {
			a.statuses = a.statuses[1:]
		}
		answer = &pod
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = scheme.Codecs.LegacyCodec(corev1.SchemeGroupVersion).Encode(answer, w)
}

func pending() *corev1.PodStatus { return &corev1.PodStatus{Phase: corev1.PodPending} }

func waiting(reason, message string) *corev1.PodStatus {
	s := pending()
	s.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	return s
}

func running() *corev1.PodStatus {
	return &corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}}
}

// TestOpen waits for pods that start late or not at all, without sleeping. A pod that does not run is deleted.
func TestOpen(t *testing.T) {
	failed := &corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{
		{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 127, Reason: "StartError"}}},
	}}
	evicted := &corev1.PodStatus{Phase: corev1.PodFailed, Message: "The node was low on resource: memory."}
	for name, test := range map[string]struct {
		statuses []*corev1.PodStatus
		stop     int // the pause in which the context is canceled
		want     string
		waited   time.Duration
	}{
		"at once":        {statuses: []*corev1.PodStatus{running()}},
		"later":          {statuses: []*corev1.PodStatus{pending(), waiting("ContainerCreating", ""), running()}, waited: 2 * time.Second},
		"a pull retried": {statuses: append(slices.Repeat([]*corev1.PodStatus{waiting("ErrImagePull", "a proxy")}, 50), running()), waited: 50 * time.Second},
		"no image":       {statuses: []*corev1.PodStatus{waiting("ImagePullBackOff", "no such image")}, want: "does not run after 59s: ", waited: 59 * time.Second},
		"it failed":      {statuses: []*corev1.PodStatus{failed}, want: "it ended with exit code 127: StartError"},
		"evicted":        {statuses: []*corev1.PodStatus{pending(), evicted}, want: "The node was low on resource", waited: time.Second},
		"deleted":        {statuses: []*corev1.PodStatus{pending(), nil}, want: "someone else has deleted it", waited: time.Second},
		"interrupted":    {statuses: []*corev1.PodStatus{pending()}, stop: 3, want: context.Canceled.Error(), waited: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &api{statuses: test.statuses}
			listening := httptest.NewServer(server)
			t.Cleanup(listening.Close)
			c, err := cluster.Connect(&rest.Config{Host: listening.URL, QPS: -1}, "ns", "test")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			waited := time.Duration(0)
			pod, err := volume.Open(ctx, c, volume.Options{Claim: "files", Project: "p", Waits: func(string) {}, Pause: func(ctx context.Context, d time.Duration) error {
				if waited += d; waited == time.Duration(test.stop)*time.Second {
					cancel()
				}
				return ctx.Err()
			}})
			if waited != test.waited {
				t.Errorf("it waited for %s, want %s", waited, test.waited)
			}
			if test.want == "" {
				if err != nil || server.deleted || pod.Name() != "test/ns/files" {
					t.Fatalf("%v, deleted %v", err, server.deleted)
				}
				err = pod.Close(ctx)
			} else if err == nil || !strings.Contains(err.Error(), test.want) || errors.As(err, new(*volume.StartError)) != (test.stop == 0) {
				t.Errorf("%v, want %s", err, test.want)
			} else {
				err = nil
			}
			if spec := server.made.Spec; err != nil || !server.deleted || spec.Containers[0].Image != volume.DefaultImage || *spec.ActiveDeadlineSeconds != 6*3600 || *spec.AutomountServiceAccountToken ||
				*spec.Containers[0].SecurityContext.AllowPrivilegeEscalation || spec.Containers[0].SecurityContext.Privileged != nil || spec.HostNetwork || len(spec.Volumes) != 1 {
				t.Errorf("%v, deleted %v, %+v", err, server.deleted, spec)
			}
		})
	}
}
