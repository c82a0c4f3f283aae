package deploy

import (
	"context"
	"errors"
	"testing"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// failingStep is a step that fails with err.
type failingStep struct{ err error }

func (s failingStep) Plan(context.Context, *report.Result) (int, error) { return 1, s.err }
func (s failingStep) Apply(context.Context, *report.Result) error       { return s.err }

// TestRunErrorIsKept presses Ctrl-C after a run has failed. The error still says how the
// run ended, and does not say what was left running.
func TestRunErrorIsKept(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failed := &exit.RunError{Job: "train", UUID: "1", Status: "failed"}
	if err := apply(ctx, []Step{failingStep{}, failingStep{failed}, failingStep{errors.New("not reached")}}, &report.Result{}); !errors.Is(err, failed) || exit.Code(err) != exit.Failed {
		t.Errorf("it ends with %v", err)
	}
}

// TestInterruptedBeforeThereWasARun presses Ctrl-C while images are pushed.
func TestInterruptedBeforeThereWasARun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ifInterrupted(ctx, errors.New("push: connection reset")); exit.Code(err) != exit.Interrupted || err.Error() != "interrupted: nothing was left running" {
		t.Errorf("it ends with %v", err)
	}
	if err := ifInterrupted(ctx, nil); err != nil {
		t.Errorf("a step that succeeded ends with %v", err)
	}
}

// TestNamespaceOfRunsIsPlanned plans a namespace that is created only for the runs.
func TestNamespaceOfRunsIsPlanned(t *testing.T) {
	d := &Deployment{Platform: &platform.Platform{Project: &project.Project{Env: &project.Env{}}, NamespaceToCreate: "polyaxon-v2"}}
	result := &report.Result{}
	if err := d.plan(t.Context(), []Step{failingStep{}}, result); err != nil || result.CreateNamespace != "polyaxon-v2" || result.Changes != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	result = &report.Result{}
	if err := d.plan(t.Context(), []Step{failingStep{}, failingStep{errors.New("refused")}}, result); err == nil || result.Changes != 0 {
		t.Errorf("%+v, %v", result, err)
	}
}
