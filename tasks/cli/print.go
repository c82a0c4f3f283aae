package cli

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks/report"
)

// print prints r to Stdout.
func (a *App) print(r *report.Result) error {
	to := a.open()
	switch a.Output {
	case "json":
		return to.json(func(w io.Writer) error { return printer.JSON(w, r) })
	case "sarif":
		return to.json(func(w io.Writer) error { return printer.SARIF(w, r, Version()) })
	}
	return to.text(r)
}

// leave removes the live tree from the terminal, because the process is about to exit.
func (a *App) leave() {
	if a.live != nil {
		a.live.Leave()
	}
}

// color reports whether Stderr is a terminal with colors.
func (a *App) color() bool {
	file, ok := a.Stderr.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// sink returns the sink that prints events to Stderr: as a live tree on a terminal, as lines
// elsewhere.
func (a *App) sink() report.Sink {
	style := printer.Style{Color: a.color(), Quiet: a.Quiet, Verbose: a.Verbose, Now: time.Now}
	file, ok := a.Stderr.(*os.File)
	if !ok || a.Quiet || os.Getenv("TERM") == "dumb" || os.Getenv("GITHUB_ACTIONS") != "" || !term.IsTerminal(int(file.Fd())) {
		return printer.Lines(a.open().err, style)
	}
	a.live = printer.NewLive(a.open().err, style, func() (columns, rows int) {
		columns, rows, _ = term.GetSize(int(file.Fd()))
		return columns, rows
	})
	return a.live
}
