package tasks

import (
	"os"

	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/tasks/report"
)

// listFiles adds the files of a plan to the result. If done is not set, they are still to be
// written, and it adds their texts as well, without the credentials of addresses.
func listFiles(to *report.Init, plan *scaffold.Plan, done bool) {
	create, add := report.ActionCreate, report.ActionAppend
	if done {
		create, add = report.ActionCreated, report.ActionAppended
	}
	for _, f := range plan.Files {
		one := report.NewFile{Path: f.Path, Action: create, Reason: f.Reason}
		if f.Append {
			one.Action = add
		}
		switch {
		case done:
		case f.Lock != nil:
			one.Command = f.Lock.Command()
		default:
			one.Text = survey.Masked(f.Text)
		}
		to.Files = append(to.Files, one)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
