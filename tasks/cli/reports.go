package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// saveReports writes the reports of a command into the directory Reports, for systems of CI that
// show files: summary.md, to which each command adds its part, result.json, metrics.txt of commands
// with jobs, and codequality.json of check. If they cannot be written, that is a warning and does
// not change how the command ended.
func (a *App) saveReports(r *report.Result, err error, events report.Sink) {
	if a.Reports == "" {
		return
	}
	if failed := a.writeReports(r, err); failed != nil {
		events.Event(report.Event{Kind: report.Warning, Message: "reports: " + failed.Error()})
	}
}

func (a *App) writeReports(r *report.Result, err error) error {
	to := a.open()
	dir, failed := openReports(a.Reports)
	if failed != nil {
		return failed
	}
	defer dir.Close()
	shown := *r
	if err != nil {
		shown.Error = exit.Cause(err) // the summary shows the last lines in a section of their own
	}
	summary, failed := dir.OpenFile("summary.md", os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if failed != nil {
		return failed
	}
	_, failed = summary.WriteString(to.secrets.Mask(strings.Join(printer.Summary(&shown), "\n\n")) + "\n\n")
	failed = errors.Join(failed, summary.Close())
	write := func(name string, text []byte, err error) {
		if err == nil {
			err = dir.WriteFile(name, text, 0o644)
		}
		failed = errors.Join(failed, err)
	}
	text, err := to.encoded(func(w io.Writer) error { return printer.JSON(w, r) })
	write("result.json", text, err)
	if len(r.Jobs) > 0 {
		write("metrics.txt", []byte(to.secrets.Mask(printer.OpenMetrics(r))), nil)
	}
	if r.Rules != nil {
		inRepository := func(path string) string { return actions.InRepository(path, os.Getenv("CI_PROJECT_DIR")) }
		text, err := to.encoded(func(w io.Writer) error { return printer.CodeQuality(w, r, inRepository) })
		write("codequality.json", text, err)
	}
	return failed
}

// openReports returns the directory of the reports, which it creates. In a directory that is a local
// path, such as .slipway/report, no symbolic link leads out of the working directory: the commit
// that CI has checked out may have links there.
func openReports(name string) (*os.Root, error) {
	if !filepath.IsLocal(name) {
		if err := os.MkdirAll(name, 0o755); err != nil {
			return nil, err
		}
		return os.OpenRoot(name)
	}
	here, err := os.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	defer here.Close()
	if err := here.MkdirAll(name, 0o755); err != nil {
		return nil, err
	}
	return here.OpenRoot(name)
}
