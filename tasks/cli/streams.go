package cli

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/tasks/report"
)

// streams are the output streams of this process, and the only place where secret values are
// masked.
type streams struct {
	secrets  *secret.Masker
	out, err *secret.Writer
	// terminal reports whether standard output is a terminal.
	terminal   bool
	descriptor int
	// runner reports whether a workflow's runner may read standard output and obey commands in
	// it.
	runner bool
	// held is the writer of content for a terminal, or nil.
	held *logline.Writer
}

// open returns the streams. It creates them on the first call.
func (a *App) open() *streams {
	if a.streams != nil {
		return a.streams
	}
	secrets := secret.NewMasker(logline.Sanitize, actions.EscapeData, actions.EscapeProperty, printer.EscapeCode)
	s := &streams{secrets: secrets, out: secrets.Writer(ignoreBrokenPipe{a.Stdout}), err: secrets.Writer(ignoreBrokenPipe{a.Stderr})}
	if os.Getenv("GITHUB_ACTIONS") == "true" {
		s.runner = true
		secrets.OnLearn(func(form string) { actions.AddMask(s.err.Raw(), form) })
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

// Out returns standard output, with secrets masked.
func (a *App) Out() io.Writer { return a.open().out }

// Err returns standard error, with secrets masked.
func (a *App) Err() io.Writer { return a.open().err }

// close flushes both streams.
func (s *streams) close() {
	if s.held != nil {
		_ = s.held.Flush()
	}
	_, _ = s.out.Flush(), s.err.Flush() // an error could not be printed anywhere
}

// json prints what write encodes, masked as encoded does.
func (s *streams) json(write func(io.Writer) error) error {
	text, err := s.encoded(write)
	if err == nil {
		_, err = s.out.Raw().Write(text)
	}
	return err
}

// encoded returns the JSON that write encodes. It masks secrets inside of JSON strings, so that
// the text stays valid JSON.
func (s *streams) encoded(write func(io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return nil, err
	}
	return s.secrets.MaskJSON(b.Bytes()), nil
}

// text prints a result as text. Raw text is printed unchanged, so that it can be piped. Only
// on a terminal are control sequences made harmless. If a runner would obey a line of the
// text, the text is quoted so that it does not.
func (s *streams) text(r *report.Result) error {
	shown := *r
	if s.terminal {
		shown.Text = printer.EscapeLines(r.Text)
	}
	var b strings.Builder
	if err := printer.Text(&b, &shown, s.page()); err != nil {
		return err
	}
	text := s.secrets.Mask(b.String())
	if s.runner && actions.ContainsCommand(text) {
		text = actions.StopCommands(text, rand.Text())
	}
	_, err := s.out.Raw().Write([]byte(text))
	return err
}

// content returns the writer for the content of files, of which lines is the stream. A program that reads a pipe gets
// it unchanged, but for secrets. On a terminal control sequences are made harmless. Where a runner may read it, it ends
// before what the runner would obey.
func (s *streams) content(lines io.Writer) io.Writer {
	switch {
	case s.terminal || lines == s.err:
		s.held = &logline.Writer{To: lines}
		return s.held
	case s.runner:
		return &actions.RefusingWriter{To: lines}
	}
	return lines
}

// page returns the width of standard output, and whether it shows colours.
func (s *streams) page() printer.Page {
	if !s.terminal {
		return printer.Page{}
	}
	wide, _, _ := term.GetSize(s.descriptor)
	return printer.Page{Columns: wide, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// ignoreBrokenPipe is a writer that ignores the loss of its reader. The command must not end
// because of that, or it would leave a run behind.
type ignoreBrokenPipe struct{ io.Writer }

// Write implements io.Writer.
func (l ignoreBrokenPipe) Write(b []byte) (int, error) {
	n, err := l.Writer.Write(b)
	if isBrokenPipe(err) {
		return len(b), nil
	}
	return n, err
}
