package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/testenv"
)

// label is the label with the UUID of the run on Polyaxon's pods.
const label = "app.kubernetes.io/instance"

// uuids is the number of runs so far.
var uuids atomic.Int64

// pod returns a new pod like Polyaxon's, with its own UUID.
func pod(t *testing.T, args ...string) *corev1.Pod {
	t.Helper()
	uuid := fmt.Sprintf("%032x", uuids.Add(1))
	grace := int64(0)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "plx-operation-" + uuid, Labels: map[string]string{label: uuid, "app.kubernetes.io/managed-by": "polyaxon"}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: &grace,
			Containers: []corev1.Container{{Name: "polyaxon-main", Image: testenv.PodImage, Args: args}},
		},
	}
}

// main returns a pod's main container.
func main(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }

func create(t *testing.T, c *cluster.Cluster, p *corev1.Pod) {
	t.Helper()
	if _, err := c.Client.CoreV1().Pods(c.Namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitAccount waits until pods can be created in a new namespace, which needs its
// default service account.
func awaitAccount(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for range 600 {
		if err := c.Client.CoreV1().RESTClient().Get().Namespace(c.Namespace).Resource("serviceaccounts").Name("default").Do(t.Context()).Error(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the namespace has no service account")
}

// awaitPod waits until as reports true for a pod.
func awaitPod(t *testing.T, c *cluster.Cluster, name string, as func(*corev1.Pod) bool) {
	t.Helper()
	for range 2400 {
		if p, err := c.Client.CoreV1().Pods(c.Namespace).Get(t.Context(), name, metav1.GetOptions{}); err == nil && as(p) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("pod %s does not become what it should", name)
}

// operator is a fake Polyaxon server. It derives the status of a run from its pods.
type operator struct {
	*cluster.Cluster
	// archive returns the lines in the run's archive. Nil means that there are none.
	archive    func() []polyaxon.LogLine
	conditions []map[string]string
	// job is when the run's job was created, which is the transition time of all later
	// conditions.
	job string
}

// ServeHTTP implements http.Handler.
func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api v1 default p runs UUID statuses
	uuid := ""
	for i, part := range parts {
		if part == "runs" && i+1 < len(parts) {
			uuid = parts[i+1]
		}
	}
	var answer any
	switch {
	case strings.HasSuffix(r.URL.Path, "/logs") && r.URL.Query().Has("last_time"):
		w.WriteHeader(http.StatusInternalServerError) // as a server without a kubeconfig does
		return
	case strings.HasSuffix(r.URL.Path, "/logs"):
		lines := []map[string]any{}
		if o.archive != nil {
			for _, l := range o.archive() {
				lines = append(lines, map[string]any{"timestamp": l.Timestamp.Format("2006-01-02T15:04:05.000000+00:00"), "pod": l.Pod, "container": l.Container, "value": l.Value})
			}
		}
		answer = map[string]any{"logs": lines}
	case strings.HasSuffix(r.URL.Path, "/statuses"):
		answer = map[string]any{"uuid": uuid, "status": o.status(r.Context(), uuid), "status_conditions": o.conditions}
	case strings.Contains(r.URL.Path, "/artifacts/tree"):
		answer = map[string]any{"files": map[string]int{}, "dirs": []string{}}
	default:
		answer = map[string]any{"uuid": uuid, "status": o.status(r.Context(), uuid), "created_at": created.Format(time.RFC3339Nano), "started_at": o.job,
			"finished_at": time.Now().Format(time.RFC3339Nano)}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// created is the creation time of all runs.
var created = time.Now()

// status returns the status of a run, and records a change as a condition.
func (o *operator) status(ctx context.Context, uuid string) string {
	pods, err := o.RunPods(ctx, uuid)
	if err != nil || len(pods) == 0 {
		return o.reach("queued")
	}
	counts := map[corev1.PodPhase]int{}
	for i := range pods {
		counts[pods[i].Status.Phase]++
	}
	switch {
	case counts[corev1.PodFailed] > 0:
		return o.reach("failed")
	case counts[corev1.PodSucceeded] == len(pods):
		return o.reach("succeeded")
	case counts[corev1.PodRunning] > 0:
		return o.reach("running")
	}
	return o.reach("starting")
}

// reach returns status, and appends a condition if it is new.
func (o *operator) reach(status string) string {
	if n := len(o.conditions); n == 0 || o.conditions[n-1]["type"] != status {
		now := time.Now().Format(time.RFC3339Nano)
		if o.job == "" && status != "queued" {
			o.job = now
		}
		at := o.job
		if at == "" {
			at = now
		}
		o.conditions = append(o.conditions, map[string]string{"type": status, "status": "True", "last_update_time": now, "last_transition_time": at})
	}
	return status
}

// follow follows a run until it ends, or until the sink has seen what it waits for.
func follow(t *testing.T, c *cluster.Cluster, uuid string, s *sink) (*run.Outcome, error) {
	t.Helper()
	return followBy(t, &operator{Cluster: c}, c, uuid, s)
}

// followBy is follow with a given operator, and with access to the cluster through c.
func followBy(t *testing.T, o *operator, c run.Cluster, uuid string, s *sink) (*run.Outcome, error) {
	t.Helper()
	server := httptest.NewServer(o)
	defer server.Close()
	client, err := polyaxon.New(polyaxon.Options{Host: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s.cancel = cancel
	return run.Follow(ctx, client, run.Target{Namespace: o.Namespace, Project: "p", UUID: uuid, Kind: "job"},
		run.FollowOptions{Logs: true, Cluster: c, Poll: 300 * time.Millisecond}, s)
}

// sink records the events of a run. It cancels the context when a reason for waiting
// contains all texts of until.
type sink struct {
	until  []string
	cancel context.CancelFunc
	seen   bool
	waits  []string
	lines  []string
	notes  []string
	states []string
	// each, when not nil, is called after each line.
	each func()
}

func (s *sink) Status(polyaxon.Condition) {}
func (s *sink) Note(text string)          { s.notes = append(s.notes, text) }
func (s *sink) Progress(state string)     { s.states = append(s.states, state) }

func (s *sink) Line(l polyaxon.LogLine) {
	s.lines = append(s.lines, l.Value)
	if s.each != nil {
		s.each()
	}
}

func (s *sink) Waits(why string) {
	s.waits = append(s.waits, why)
	for _, want := range s.until {
		if !strings.Contains(why, want) {
			return
		}
	}
	if len(s.until) > 0 {
		s.seen = true
		s.cancel()
	}
}
