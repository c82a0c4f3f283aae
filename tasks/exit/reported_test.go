package exit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestReportedTextIsNotRepeated checks that Cause and Rest leave out what events have
// reported, also for wrapped errors.
func TestReportedTextIsNotRepeated(t *testing.T) {
	followed := &RunError{Job: "a", UUID: "1", Status: "failed", Message: "exit code 3", LastLines: []string{"no data"}, Followed: true, Reported: true}
	half := &RunError{Job: "b", UUID: "2", Status: "failed", Message: "two\nlines", LastLines: []string{"no data"}, Followed: true}
	sidecar := &RunError{Job: "c", UUID: "3", Status: "failed", Message: "exit code 4", LastLines: []string{"no port"}, Container: "proxy", Followed: true, Reported: true}
	unseen := &RunError{Job: "d", Service: true, UUID: "4", Status: "failed", Message: "exit code 5", LastLines: []string{"bye"}}
	limit := &TimeLimitError{Job: "e", UUID: "5", Limit: time.Hour, LastLines: []string{"epoch 3"}}
	pending := &PendingError{Job: "f", UUID: "6", After: time.Minute, Why: "no node has a GPU", Reported: true}
	for _, test := range []struct {
		err         error
		cause, rest string
	}{
		{followed, "job a: run 1 failed: exit code 3", "job a: run 1 failed"},
		{half, "job b: run 2 failed: two\nlines", "job b: run 2 failed: two\nlines"},
		{sidecar, sidecar.Error(), "job c: run 3 failed\nthe last lines of container proxy:\n  no port"},
		{unseen, unseen.Error(), unseen.Error()},
		{limit, "job e: run 5 passed its time limit of 1h0m0s (raise jobs.e.timeout in slipway.yaml)", "job e: run 5 passed its time limit of 1h0m0s (raise jobs.e.timeout in slipway.yaml)"},
		{pending, pending.Error(), "job f: run 6 was not running after 1m0s and was stopped"},
		{errors.Join(followed, fmt.Errorf("%w; %w", pending, errors.New("it could not be stopped"))),
			"job a: run 1 failed: exit code 3\n" + pending.Error() + "; it could not be stopped",
			"job a: run 1 failed\njob f: run 6 was not running after 1m0s and was stopped; it could not be stopped"},
	} {
		if got := Cause(test.err); got != test.cause {
			t.Errorf("the cause is %q, want %q", got, test.cause)
		}
		if got := Rest(test.err); got != test.rest {
			t.Errorf("the rest is %q, want %q", got, test.rest)
		}
	}
	if all := sidecar.Error(); !strings.HasSuffix(all, "failed: exit code 4\nthe last lines of container proxy:\n  no port") {
		t.Error(all)
	}
}
