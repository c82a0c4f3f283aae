package run

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/slipway-ci/slipway/internal/polyaxon"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct{ reason, message, want string }{
		{"Unschedulable", "0/3 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}, 2 Insufficient nvidia.com/gpu. preemption: 0/3 ...", "no node has enough nvidia.com/gpu free"},
		{"Unschedulable", "0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: ml}.", "add a toleration for dedicated to environment.tolerations"},
		{"Unschedulable", "0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate", "add a toleration for it to environment.tolerations (kubectl describe nodes"},
		{"Unschedulable", "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s).", "or correct environment.nodeSelector"},
		{"FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (acme); attempting to pull the image may not succeed.", "name the secret acme under secrets"},
		{"Unschedulable", "0/3 nodes are available: 3 Insufficient memory.", "no node has enough memory free"},
		{"Unschedulable", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "its claim is not bound to a volume yet"},
		{"Unschedulable", `0/1 nodes are available: persistentvolumeclaim "data" not found.`, "create the claim data"},
		{"Unschedulable", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", "environment.nodeSelector"},
		{"Unschedulable", "0/9 nodes are available: 9 Too many pods.", "maximum number of pods"},
		{"Unschedulable", "something new", "kubectl describe pod"},
		{"FailedCreate", `Error creating: pods "a" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4`, "quota gpus is used up"},
		{"FailedCreate", `Error creating: pods "a" is forbidden: error looking up service account ml/trainer: serviceaccount "trainer" not found`, "create the service account trainer"},
		{"FailedCreate", `pods "a" is forbidden: violates PodSecurity "restricted:latest": ...`, "securityContext"},
		{"ErrImagePull", `rpc error: code = NotFound desc = failed to pull and unpack image "asia.gcr.io/t/a:1": asia.gcr.io/t/a:1: not found`, "the image was not found in the registry"},
		{"ErrImagePull", `failed to resolve reference "asia.gcr.io/t/a:1": unexpected status from HEAD request to https://asia.gcr.io/v2/t/a/manifests/1: 403 Forbidden`, "imagePullSecret"},
		{"ErrImagePull", `pull access denied, repository does not exist or may require authorization`, "imagePullSecret"},
		{"ErrImagePull", `toomanyrequests: You have reached your pull rate limit`, "rate limit is reached"},
		{"ErrImagePull", `no match for platform in manifest: not found`, "images.NAME.platforms"},
		{"ErrImagePull", `dial tcp: lookup registry.acme.dev: no such host`, "cannot reach the registry"},
		{"ImagePullBackOff", `Back-off pulling image "a"`, "check that the image exists"},
		{"CreateContainerConfigError", `secret "sa-key" not found`, "name the secret sa-key"},
		{"CreateContainerConfigError", `couldn't find key token in Secret ml/there`, "the key token is missing"},
		{"FailedMount", `MountVolume.SetUp failed for volume "v" : references non-existent secret key: token`, "the key token is missing"},
		{"FailedMount", `MountVolume.SetUp failed for volume "v" : configmap "settings" not found`, "config map settings"},
		{"FailedAttachVolume", `Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) b`, "attached to another node"},
		{"CrashLoopBackOff", "back-off 10s restarting failed container", "keeps crashing"},
		{"RunContainerError", `exec: "trian": executable file not found in $PATH`, "check its command and args"},
		{"PodRunning", "Run is running", ""},
		{"SchedulerPrepare", "Run is compiled", ""},
		{"ContainerCreating", "Pulling the image and creating the containers", ""},
		{"", "", ""},
	} {
		got := explain(test.reason, test.message)
		if test.want == "" && got != "" || !strings.Contains(got, test.want) || strings.Contains(got, "$") && !strings.Contains(test.message, "$") || strings.Contains(got, "\n") {
			t.Errorf("%s: %s\n is told as %q,\n want %q", test.reason, test.message, got, test.want)
		}
	}
}

func TestFailure(t *testing.T) {
	terminated := func(code int32, reason string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
	}
	pod := func(change func(*corev1.Pod), states ...corev1.ContainerStatus) []corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Status: corev1.PodStatus{ContainerStatuses: states}}
		if change != nil {
			change(&p)
		}
		return []corev1.Pod{p}
	}
	main, sidecar := "polyaxon-main", "polyaxon-sidecar"
	for name, test := range map[string]struct {
		pods       []corev1.Pod
		conditions []polyaxon.Condition
		want       Failure // without its Text
		text       string
	}{
		"the main container before the sidecar": {pods: pod(nil, corev1.ContainerStatus{Name: sidecar, State: terminated(1, "Error")}, corev1.ContainerStatus{Name: main, State: terminated(3, "Error")}),
			want: Failure{Pod: "p", Container: main, ExitCode: 3}, text: "exit code 3"},
		"out of memory": {pods: pod(nil, corev1.ContainerStatus{Name: main, State: terminated(137, "OOMKilled")}),
			want: Failure{Pod: "p", Container: main, ExitCode: 137, OOMKilled: true}, text: "OOM killed"},
		"killed by something else": {pods: pod(nil, corev1.ContainerStatus{Name: main, State: terminated(137, "Error")}),
			want: Failure{Pod: "p", Container: main, ExitCode: 137}, text: "SIGKILL"},
		"evicted": {pods: pod(func(p *corev1.Pod) {
			p.Status.Reason, p.Status.Message = "Evicted", "The node was low on resource: memory."
		}, corev1.ContainerStatus{Name: main, State: terminated(137, "Error")}),
			want: Failure{Pod: "p", ExitCode: -1, Evicted: true}, text: "low on resource: memory"},
		"preempted": {pods: pod(func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "PreemptionByScheduler", Message: "preempted"}}
		}), want: Failure{Pod: "p", ExitCode: -1, Evicted: true}, text: "PreemptionByScheduler"},
		"an init container": {pods: pod(func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "polyaxon-init-git", State: terminated(128, "Error")}}
		}), want: Failure{Pod: "p", Container: "polyaxon-init-git", ExitCode: 128}, text: "polyaxon-init-git ended with exit code 128"},
		"by Polyaxon's words": {conditions: []polyaxon.Condition{{Type: "failed", Reason: "Error", Message: "Job has failed: container polyaxon-main exited with code 3"}},
			want: Failure{Container: main, ExitCode: 3}, text: "exit code 3"},
		"by its reason": {conditions: []polyaxon.Condition{{Type: "failed", Reason: "OOMKilled", Message: "container polyaxon-main was killed (exit code 137)"}},
			want: Failure{Container: main, ExitCode: 137, OOMKilled: true}, text: "OOM killed"},
		"evicted, by Polyaxon's words": {conditions: []polyaxon.Condition{{Type: "failed", Reason: "Evicted", Message: "The node was low on resource: ephemeral-storage."}},
			want: Failure{ExitCode: -1, Evicted: true}, text: "ephemeral-storage"},
	} {
		got := failure(polyaxon.Failed, test.conditions, test.pods)
		if got == nil || !strings.Contains(got.Text, test.text) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		if got.Text = ""; *got != test.want {
			t.Errorf("%s: %+v, want %+v", name, *got, test.want)
		}
	}
	backoff := []polyaxon.Condition{{Type: "failed", Reason: "BackoffLimitExceeded", Message: "Job has reached the specified backoff limit"}}
	if got := failure(polyaxon.Failed, backoff, nil); got != nil {
		t.Errorf("a condition that tells nothing gives %+v", got)
	}
	if got := failure(polyaxon.Succeeded, nil, pod(nil, corev1.ContainerStatus{Name: sidecar, State: terminated(1, "Error")})); got != nil {
		t.Errorf("a run that succeeded gives %+v", got)
	}
}
