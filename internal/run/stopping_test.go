package run_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/run"
)

// TestStuckStopping has a run that stays in the status stopping. That must be reported,
// with what to do, and Follow must end.
func TestStuckStopping(t *testing.T) {
	for name, test := range map[string]struct {
		k    *kubelet
		want string
	}{
		"the cluster is not read": {nil, "kubectl get pods -l app.kubernetes.io/instance=" + uuid},
		"no pod is left":          {&kubelet{}, "it has no pods"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := &scriptedServer{}, &clock{now: start}
			s.reach("running", "", "")
			s.reach("stopping", "", "")
			o := run.FollowOptions{Logs: true}
			if test.k != nil {
				o.Cluster = test.k
			}
			sink, _, err := follow(t, s, c, o)
			var lost *run.LostError
			if !errors.As(err, &lost) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "stopping for 10m0s") {
				t.Errorf("it ends with %v", err)
			}
			if len(sink.waits) != 1 || !strings.Contains(sink.waits[0], "stopping for 1m0s") || !strings.Contains(sink.waits[0], test.want) {
				t.Errorf("what is said is %q", sink.waits)
			}
			if past := c.now.Sub(start); past < 10*time.Minute || past > 11*time.Minute {
				t.Errorf("it ended after %s", past)
			}
		})
	}
}

// TestApprovalIsAskedFor checks that a run that waits for approval or for an upload is
// reported, with the command that lets it go on.
func TestApprovalIsAskedFor(t *testing.T) {
	for pending, want := range map[string]string{"approval": "slipway approve " + uuid, "upload": "files to be uploaded", "build": "it waits for its build"} {
		for _, status := range []string{"created", "compiled"} {
			s, c := &scriptedServer{overrides: map[string]any{"pending": pending}}, &clock{now: start}
			s.reach(status, "", "")
			var said time.Duration
			c.step = func(int) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if past := c.now.Sub(start); past > time.Minute && s.status == status {
					delete(s.overrides, "pending")
					s.reach("running", "", "")
					s.reach("succeeded", "", "")
					said = past
				}
			}
			sink, _, err := follow(t, s, c, run.FollowOptions{})
			if err != nil || said == 0 || len(sink.waits) != 1 || !strings.Contains(sink.waits[0], want) {
				t.Errorf("%s, %s: %q, %v; want %q", status, pending, sink.waits, err, want)
			}
		}
	}
}

// TestCauseIsReportedOnce has the conditions of failing attempts. Those with the same
// cause must be reported once, and each other cause too.
func TestCauseIsReportedOnce(t *testing.T) {
	const image = "127.0.0.1:5000/team/train:1"
	missing := `failed to pull and unpack image "` + image + `": failed to resolve reference "` + image + `": ` + image + ": not found"
	dial := `failed to pull and unpack image "` + image + `": failed to do request: Head "https://127.0.0.1:5000/v2/": dial tcp 10.0.0.7:PORT->10.0.0.1:443: connection refused`
	tries := []struct{ reason, message string }{
		{"ErrImagePull", missing},
		{"ImagePullBackOff", `Back-off pulling image "` + image + `"`},
		{"ErrImagePull", "rpc error: code = NotFound desc = " + missing},
		{"ImagePullBackOff", `Back-off pulling image "` + image + `": ErrImagePull: ` + missing},
		{"ErrImagePull", strings.ReplaceAll(dial, "PORT", "40112")},
		{"ImagePullBackOff", `Back-off pulling image "` + image + `": ErrImagePull: ` + strings.ReplaceAll(dial, "PORT", "40112")},
		{"ErrImagePull", strings.ReplaceAll(dial, "PORT", "51234")},
		{"ImagePullBackOff", `Back-off pulling image "` + image + `"`},
		{"ErrImagePull", missing},
	}
	s, c := &scriptedServer{}, &clock{now: start}
	s.reach("starting", "", "")
	c.step = func(n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case n%4 > 0:
		case n/4 < len(tries):
			s.reach("warning", tries[n/4].reason, tries[n/4].message)
		case n/4 == len(tries):
			s.reach("stopped", "", "")
		}
	}
	sink, _, err := follow(t, s, c, run.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"the image was not found in the registry", "the nodes cannot reach the registry", "the image was not found in the registry"}
	if !slices.EqualFunc(sink.waits, want, strings.Contains) {
		t.Errorf("what is told is %q", sink.waits)
	}
}
