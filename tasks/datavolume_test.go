package tasks

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// volumePods selects the pods that reach volumes.
const volumePods = "app.kubernetes.io/name=slipway-volume"

// loser calls lose once, when a file is being copied.
type loser struct {
	report.Sink
	lose func()
}

// Event implements report.Sink.
func (l *loser) Event(e report.Event) {
	if e.Kind == report.Progress && e.Amount != nil && e.Amount.Bytes > 0 && l.lose != nil {
		l.lose()
		l.lose = nil
	}
	l.Sink.Event(e)
}

// copiesData deploys a data set that goes to the volume of a cluster, and copies it back.
func copiesData(ctx context.Context, t *testing.T, access *rest.Config, clients kubernetes.Interface) {
	t.Chdir(t.TempDir())
	testenv.Provision(t, clients, "for-jobs", true)
	events := &eventLog{}
	env := &Env{Dir: ".", Events: events, Transport: http.DefaultTransport, Now: time.Now, Lookup: func(string) (string, bool) { return "", false }}
	write := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("kubeconfig", writeKubeconfig(t, access))
	write("job.yml", "version: 1.1\nkind: component\nrun: {kind: job, container: {image: a:1}}\n")
	write("raw/labels.csv", "a,b\n")
	write("raw/deep/x.csv", "c\n")
	write("slipway.yaml", "project: story\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}, namespace: "+sandboxtest.Namespace+"}\n"+
		"polyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", "")+"'}\nvolume: {claim: jobs, image: '"+testenv.BusyboxImage+"', create: {size: 1Gi, access: ReadWriteMany, class: for-jobs}}\n"+
		"data: {raw: {from: raw, to: 'volume:/raw'}}\njobs: {job: {polyaxonfile: job.yml, credentials: false}}\n")
	check := func(did string, r *Result, err error, action report.Action, copied int) {
		t.Helper()
		if err != nil || len(r.Data) != 1 || r.Data[0].Action != action || r.Data[0].Copied != copied {
			t.Fatalf("%s: %+v, %v\n%s", did, r, err, events)
		}
	}
	planned, err := Plan(ctx, env, PlanOptions{})
	check("plan", planned, err, report.ActionCopy, 2)
	if strings.Contains(events.String(), "starting a pod") {
		t.Errorf("a plan starts a pod without a claim\n%s", events)
	}
	deployed, err := Submit(ctx, env, SubmitOptions{Job: "job"})
	check("deploy", deployed, err, report.ActionCopied, 2)
	planned, err = Plan(ctx, env, PlanOptions{})
	check("plan", planned, err, report.ActionUnchanged, 0)
	write("raw/labels.csv", "b,a\n") // of the same size
	planned, err = Plan(ctx, env, PlanOptions{})
	check("plan", planned, err, report.ActionCopy, 1)
	deployed, err = Submit(ctx, env, SubmitOptions{Job: "job"})
	check("deploy", deployed, err, report.ActionCopied, 1)

	synced, err := DataSync(ctx, env, DataSyncOptions{From: "volume:/raw", To: "back"})
	if err != nil || synced.Transfer.Copied != 2 {
		t.Errorf("%+v, %v", synced, err)
	}
	if text, err := os.ReadFile("back/labels.csv"); err != nil || string(text) != "b,a\n" {
		t.Errorf("%q, %v", text, err)
	}
	// The pod is lost in the middle, and another one goes on.
	write("many/big", strings.Repeat("big", 4<<20))
	write("many/small", "small")
	losing := *env
	losing.Events = &loser{Sink: events, lose: func() {
		pods := clients.CoreV1().Pods(sandboxtest.Namespace)
		if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: volumePods}); err != nil {
			t.Error(err)
		}
		awaitNone(ctx, t, pods) // the kubelet ends its containers first
	}}
	synced, err = DataSync(ctx, &losing, DataSyncOptions{From: "many", To: "volume:/many"})
	if err != nil || synced.Transfer.Copied != 2 || !strings.Contains(events.String(), "is gone: it was deleted; another pod goes on") {
		t.Errorf("%+v, %v\n%s", synced, err, events)
	}
	syncsAndKills(ctx, t, clients, env, write)
	awaitNone(ctx, t, clients.CoreV1().Pods(sandboxtest.Namespace))
}

// awaitNone waits until no pod reaches a volume any more.
func awaitNone(ctx context.Context, t *testing.T, pods typedcorev1.PodInterface) {
	t.Helper()
	for ; ; time.Sleep(100 * time.Millisecond) { // deleting takes a second
		left, err := pods.List(ctx, metav1.ListOptions{LabelSelector: volumePods})
		if err == nil && len(left.Items) == 0 {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("pods are left: %v, %v", left, err)
			return
		}
	}
}
