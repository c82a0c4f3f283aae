package advice_test

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/advice"
)

// TestFor gives messages as Kubernetes, container runtimes and registries write them. The
// advice must be that of the cause, not of what stands around it.
func TestFor(t *testing.T) {
	for _, c := range []struct{ reason, message, run, manifest string }{
		{"FailedCreate", `pods "a" is forbidden: exceeded quota: team, requested: cpu=2, used: cpu=9, limited: cpu=10`, "the namespace's quota team is used up: wait until other runs end", "the namespace's quota team is used up: request less"},
		{"Unschedulable", "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available", "no node has enough nvidia.com/gpu free: wait", "no node has enough nvidia.com/gpu free: request less"},
		{"Unschedulable", "0/3 nodes are available: 3 Insufficient memory.", "no node has enough memory free: request less in the container's resources", "no node has enough memory free: request less, or add nodes"},
		{"Unschedulable", "0/2 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}, 1 Insufficient cpu.", "no node has enough cpu free", "no node has enough cpu free"},
		{"Unschedulable", "0/2 nodes are available: 2 node(s) had untolerated taint {nvidia.com/gpu: present}.", "the remaining nodes have a taint that the pod does not tolerate: add a toleration for nvidia.com/gpu to environment.tolerations", "the other nodes have a taint that the pod does not tolerate: add a toleration for nvidia.com/gpu"},
		{"Unschedulable", `persistentvolumeclaim "data" not found`, "create the claim data in the run's namespace", "put the claim data among the manifests"},
		{"ErrImagePull", `failed to pull and unpack image "gcr.io/p/a:1": failed to resolve reference: unexpected status: 403 Forbidden`, "the registry denied the cluster permission to pull it: name an imagePullSecret in environment.imagePullSecrets", "the registry denied the cluster permission to pull it: name an imagePullSecret in the manifest"},
		{"ImagePullBackOff", `Back-off pulling image "busybox:none"`, "check that the image exists", "check that the image exists"},
		{"CreateContainerConfigError", `secret "token" not found`, "name the secret token under secrets in slipway.yaml and run slipway secrets sync", "name the secret token under secrets in slipway.yaml, or"},
		{"CreateContainerConfigError", "couldn't find key KEY in Secret team/token", "the key KEY is missing there: add it (secrets", "the key KEY is missing there: add it, or"},
		{"OOMKilled", "", "the container needs more memory", "the container needs more memory"},
		{"Started", "Started container main", "", ""},
	} {
		for subject, want := range map[advice.Subject]string{advice.Run: c.run, advice.Manifest: c.manifest} {
			got := advice.For(subject, c.reason, c.message)
			if !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("%s: %s: got %q, want %q", c.reason, c.message, got, want)
			}
		}
	}
}

// TestCause checks that the prefixes of a kubelet are left out, and nothing else is.
func TestCause(t *testing.T) {
	for message, want := range map[string]string{
		`Back-off pulling image "a:1": ErrImagePull: rpc error: code = NotFound desc = a:1: not found`: "a:1: not found",
		`Failed to pull image "a:1": unexpected status of a:1`:                                         "unexpected status of a:1",
		`Back-off pulling image "a:1"`:                                                                 `Back-off pulling image "a:1"`,
		`Back-off pulling image "a:1": the registry is down`:                                           `Back-off pulling image "a:1": the registry is down`, // says which image
		"Error: ":         "Error: ",
		"no such command": "no such command",
	} {
		if got := advice.Cause(message); got != want {
			t.Errorf("%q: got %q, want %q", message, got, want)
		}
	}
}

// TestBrief checks that a message is one short line without control characters.
func TestBrief(t *testing.T) {
	if got := advice.Brief("a\n  b\x07.\n"); got != `a b\x07` {
		t.Errorf("got %q", got)
	}
	if got := advice.Brief(strings.Repeat("ä", 300)); len(got) > 403 || !strings.HasSuffix(got, "ä...") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
