package tasks

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/tasks/report"
)

// syncsAndKills kills a sync to the volume of a cluster, and runs two at once. write writes a file below the current
// directory, which has slipway.yaml.
func syncsAndKills(ctx context.Context, t *testing.T, clients kubernetes.Interface, env *Env, write func(name, text string)) {
	t.Helper()
	big := strings.Repeat("0123456789abcdef", 4<<20) // 64 MiB, so that no other file is in an archive with it
	write("killed/a", "first")
	write("killed/b", big)
	command := exec.Command(os.Args[0], "-test.run=^TestKilledSync$")
	command.Env = append(os.Environ(), "TASKS_SYNC=killed")
	if out, err := command.CombinedOutput(); err == nil || strings.Contains(string(out), "not killed") {
		t.Fatalf("%v: %s", err, out)
	}
	pods := clients.CoreV1().Pods(sandboxtest.Namespace)
	listed, err := pods.List(ctx, metav1.ListOptions{LabelSelector: volumePods})
	if err != nil {
		t.Fatal(err)
	}
	left := slices.DeleteFunc(listed.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil })
	if len(left) != 1 || left[0].Spec.ActiveDeadlineSeconds == nil {
		t.Fatalf("the killed sync left %d pods", len(left))
	}
	synced, err := DataSync(ctx, env, DataSyncOptions{From: "killed", To: "volume:/killed"})
	if err != nil || synced.Transfer.Unchanged != 1 || synced.Transfer.Copied != 1 {
		t.Errorf("after the kill: %+v, %v", synced, err)
	}
	if err := pods.Delete(ctx, left[0].Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	same := func(from string) {
		t.Helper()
		synced, err := DataSync(ctx, env, DataSyncOptions{From: from, To: filepath.Base(from) + "-back"})
		if err != nil {
			t.Fatalf("%+v, %v", synced, err)
		}
	}
	same("volume:/killed")
	for name, want := range map[string]string{"a": "first", "b": big} {
		if text, err := os.ReadFile(filepath.Join("killed-back", name)); err != nil || string(text) != want {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}

	// Two syncs at once: each file is that of one of them, and who comes late says so.
	for name := range strings.FieldsSeq("a b d/c d/e f") {
		write("one/"+name, strings.Repeat("1", 1000))
		write("two/"+name, strings.Repeat("2", 1000))
	}
	var both sync.WaitGroup
	for _, from := range []string{"one", "two"} {
		both.Go(func() {
			synced, err := DataSync(ctx, env, DataSyncOptions{From: from, To: "volume:/both"})
			if err != nil && !strings.Contains(err.Error(), "was changed by another program at the same time") {
				t.Errorf("%s: %+v, %v", from, synced, err)
			}
		})
	}
	both.Wait()
	same("volume:/both")
	for name := range strings.FieldsSeq("a b d/c d/e f") {
		text, err := os.ReadFile(filepath.Join("both-back", name))
		if err != nil || string(text) != strings.Repeat("1", 1000) && string(text) != strings.Repeat("2", 1000) {
			t.Errorf("%s has %q, %v", name, text, err)
		}
	}
}

// TestKilledSync syncs a directory to the volume and kills this process when one file is there and another one is on
// its way, if syncsAndKills has started it.
func TestKilledSync(t *testing.T) {
	from := os.Getenv("TASKS_SYNC")
	if from == "" {
		return
	}
	kill := sink(func(e report.Event) {
		if e.Amount == nil || e.Amount.Parts == 0 || e.Amount.Bytes < 20<<20 || e.Amount.Bytes == e.Amount.BytesTotal {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		t.Error(err)
		select {}
	})
	env := &Env{Dir: ".", Events: kill, Transport: http.DefaultTransport, Now: time.Now, Lookup: func(string) (string, bool) { return "", false }}
	_, err := DataSync(t.Context(), env, DataSyncOptions{From: from, To: "volume:/" + from})
	t.Fatalf("it was not killed: %v", err)
}
