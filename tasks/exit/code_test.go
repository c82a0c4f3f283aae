package exit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/source"
)

func TestExitCode(t *testing.T) {
	failed := &RunError{Job: "train", Status: string(polyaxon.Failed)}
	stopped := &RunError{Job: "train", Status: string(polyaxon.Stopped)}
	lost := &run.LostError{Err: errors.New("connection reset")}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{failed, 1},
		{&RunError{Status: string(polyaxon.UpstreamFailed)}, 1},
		{&source.Error{Message: "wrong"}, 2},
		{&UsageError{"wrong"}, 2},
		{errors.New("push"), 3},
		{lost, 4},
		{&TimeLimitError{Job: "train", Limit: time.Hour}, 5},
		{stopped, 6},
		{&RunError{Status: string(polyaxon.Skipped)}, 6},
		{&PendingError{Job: "train"}, 7},
		{&GateError{Job: "train"}, 8},
		{errors.Join(stopped, &GateError{}), 8},
		{&ArtifactError{Job: "train"}, 1},
		{errors.Join(&GateError{}, &ArtifactError{}), 1},
		{errors.Join(failed, &GateError{}), 1},
		{&ChangesError{1}, 10},
		{&InterruptedError{}, 130},
		{context.Canceled, 130},
		{fmt.Errorf("deploy: %w", failed), 1},
		// Of several errors, the most informative one counts.
		{errors.Join(stopped, failed), 1},
		{errors.Join(stopped, fmt.Errorf("job: %w", failed)), 1},
		{errors.Join(failed, lost), 4},
		{errors.Join(lost, &InterruptedError{}), 130},
		{errors.Join(errors.New("push"), &source.Error{}), 2},
		{errors.Join(failed, &TimeLimitError{}), 5},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("%v exits with %d, want %d", c.err, got, c.want)
		}
	}
}

// TestExitCodesAreDocumented compares the table in docs/commands.md with the one that the
// binary prints.
func TestExitCodesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := ""
	row := regexp.MustCompile(`^\| (\d+) \| (.*) \|$`)
	for scanner := bufio.NewScanner(strings.NewReader(string(page))); scanner.Scan(); {
		if m := row.FindStringSubmatch(scanner.Text()); m != nil {
			documented += fmt.Sprintf("%-4s %s\n", m[1], strings.ReplaceAll(m[2], "`", ""))
		}
	}
	if documented != Codes {
		t.Errorf("docs/commands.md has\n%s\nand the binary\n%s", documented, Codes)
	}
}
