package cli

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// streams are where bytes leave this process, and the only place where secret values
// are masked.
type streams struct {
	secrets  *secret.Masker
	out, err *secret.Writer
	// terminal: people read standard output as it is printed.
	terminal   bool
	descriptor int
	// runner: a workflow's runner may read standard output, and obeys it.
	runner bool
}

// open gives the streams, which are made once.
func (a *App) open() *streams {
	if a.streams != nil {
		return a.streams
	}
	secrets := secret.NewMasker(run.Sanitize, actions.EscapeData, actions.EscapeProperty, printer.EscapeCode)
	s := &streams{secrets: secrets, out: secrets.Writer(lasting{a.Stdout}), err: secrets.Writer(lasting{a.Stderr})}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		s.runner = true
		secrets.Tell(func(form string) { actions.AddMask(s.err.Raw(), form) })
	}
	if file, ok := a.Stdout.(*os.File); ok {
		s.descriptor = int(file.Fd())
		s.terminal = term.IsTerminal(s.descriptor)
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			s.runner = false
		}
	}
	a.streams = s
	return s
}

// Out gives standard output, with secrets masked.
func (a *App) Out() io.Writer { return a.open().out }

// Err gives standard error, with secrets masked.
func (a *App) Err() io.Writer { return a.open().err }

// close writes what is held back.
func (s *streams) close() {
	_, _ = s.out.Flush(), s.err.Flush() // where a stream is gone, nobody is there to tell
}

// json prints what write encodes. A string in it is masked as the text that it
// stands for, so that the whole stays JSON.
func (s *streams) json(write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	_, err := s.out.Raw().Write(s.secrets.MaskJSON(b.Bytes()))
	return err
}

// text prints a result for people. Its raw text goes out as it is, so that it can
// be piped; only a terminal gets it made harmless, and a runner that would obey a
// line of it is told not to.
func (s *streams) text(r *report.Result) error {
	shown := *r
	if s.terminal {
		shown.Text = printer.Harmless(r.Text)
	}
	var b strings.Builder
	if err := printer.Text(&b, &shown, s.page()); err != nil {
		return err
	}
	text := s.secrets.Mask(b.String())
	if s.runner && actions.Obeyed(text) {
		text = actions.Quoted(text, rand.Text())
	}
	_, err := s.out.Raw().Write([]byte(text))
	return err
}

// page says how wide standard output is, and whether it shows colours.
func (s *streams) page() printer.Page {
	if !s.terminal {
		return printer.Page{}
	}
	wide, _, _ := term.GetSize(s.descriptor)
	return printer.Page{Columns: wide, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// lasting is a stream that its reader may leave before the command has ended, which
// is no reason to end: a run would be left behind.
type lasting struct{ io.Writer }

// Write implements io.Writer.
func (l lasting) Write(b []byte) (int, error) {
	n, err := l.Writer.Write(b)
	if left(err) {
		return len(b), nil
	}
	return n, err
}
