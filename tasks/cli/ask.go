package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
)

// asker returns a function that asks on the terminal, or nil if there is none.
func (a *App) asker() func(context.Context, tasks.Question) (string, error) {
	file, ok := a.Stderr.(*os.File)
	if !ok || os.Getenv("CI") != "" || os.Getenv("GITHUB_ACTIONS") != "" || !term.IsTerminal(int(file.Fd())) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	return questions{in: bufio.NewReader(os.Stdin), out: a.open().err}.ask
}

// questions asks questions: it writes them to out, and reads a line from in for each.
type questions struct {
	in  *bufio.Reader
	out io.Writer
}

// ask asks until the answer is one that the question takes. It returns the error of ctx when
// ctx is done.
func (q questions) ask(ctx context.Context, question tasks.Question) (string, error) {
	for {
		if _, err := fmt.Fprintf(q.out, "? %s [%s]: ", printer.EscapeLine(question.Text), printer.EscapeLine(question.Default)); err != nil {
			return "", err
		}
		if f, ok := q.out.(interface{ Flush() error }); ok {
			if err := f.Flush(); err != nil {
				return "", err
			}
		}
		line := ""
		err := panics.CallContext(ctx, func() (err error) { // the terminal may never give a line
			line, err = q.in.ReadString('\n')
			return err
		})
		if err != nil && ctx.Err() == nil && errors.Is(err, io.EOF) {
			return "", &tasks.UsageError{Message: "no answer was given: nothing is written"}
		}
		if err != nil {
			return "", err
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			answer = question.Default
		}
		if len(question.Options) == 0 || slices.Contains(question.Options, answer) {
			return answer, nil
		}
		for _, option := range question.Options { // y for yes
			if strings.HasPrefix(option, strings.ToLower(answer)) {
				return option, nil
			}
		}
		if _, err := fmt.Fprintf(q.out, "  answer %s\n", strings.Join(question.Options, " or ")); err != nil {
			return "", err
		}
	}
}
