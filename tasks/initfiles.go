package tasks

import (
	"os"
	"strings"

	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/tasks/report"
)

// listFiles adds the files of a plan to the result, whole if whole is set.
func listFiles(to *report.Init, plan *scaffold.Plan, ending string, whole bool) {
	for _, f := range plan.Files {
		one := report.NewFile{Path: f.Path, Action: "create" + ending, Reason: f.Reason}
		if f.Append {
			one.Action = "append" + strings.Replace(ending, "d", "ed", 1)
		}
		if whole && f.Lock != nil {
			one.Command = f.Lock.Command()
		} else if whole {
			one.Text = f.Text
		}
		to.Files = append(to.Files, one)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
