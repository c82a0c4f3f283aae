// Package actions speaks to the runner of a GitHub Actions step: groups, masks,
// annotations, outputs and the step summary. It uses sethvargo/go-githubactions where
// that is safe.
package actions

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	githubactions "github.com/sethvargo/go-githubactions"

	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// delimiter is the line with which go-githubactions v1.4.0 ends every output. A value
	// that contains it could forge other outputs.
	delimiter = "_GitHubActionsFileCommandDelimeter_"
	// maxSummary is GitHub's limit for the summary of a step, in bytes.
	maxSummary = 1 << 20
	// MaxAnnotation is the maximum size of an annotation's message, in bytes. GitHub cuts a
	// message at 4096.
	MaxAnnotation = 4000
	// MaxAnnotations is how many annotations of each level GitHub shows for a step.
	MaxAnnotations = 10
)

// Commands sends workflow commands to the runner of this step.
type Commands struct {
	action *githubactions.Action
	lookup func(string) (string, bool)
	mask   func(string) string
}

// New returns Commands that write to w, and whether this process is a step of a workflow.
// lookup reads an environment variable, as os.LookupEnv does. Text for the runner's files
// is masked by mask.
func New(w io.Writer, mask func(string) string, lookup func(string) (string, bool)) (*Commands, bool) {
	if v, _ := lookup("GITHUB_ACTIONS"); v != "true" {
		return nil, false
	}
	getenv := func(name string) string { v, _ := lookup(name); return v }
	return &Commands{githubactions.New(githubactions.WithWriter(w), githubactions.WithGetenv(getenv)), lookup, mask}, true
}

// AddMask makes the runner that reads w mask a text in all output that follows.
func AddMask(w io.Writer, text string) {
	_, _ = io.WriteString(w, "::add-mask::"+EscapeData(text)+"\n") // there is no other place to report that the log is gone
}

// EscapeData returns text escaped as the message of a workflow command.
func EscapeData(text string) string { return dataEscapes.Replace(text) }

// EscapeProperty returns text escaped as a property of a workflow command.
func EscapeProperty(text string) string { return propertyEscapes.Replace(text) }

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Group begins a group of lines, which users can fold.
func (c *Commands) Group(title string) { c.action.Group(title) }

// EndGroup ends the current group.
func (c *Commands) EndGroup() { c.action.EndGroup() }

// Error annotates a position in a file, or the run if at has no file.
func (c *Commands) Error(at source.Position, title, message string) {
	c.withPosition(at, title).Errorf("%s", truncate(message))
}

// Warning is like Error, with the level warning.
func (c *Commands) Warning(at source.Position, title, message string) {
	c.withPosition(at, title).Warningf("%s", truncate(message))
}

func truncate(message string) string {
	if len(message) > MaxAnnotation {
		message = strings.ToValidUTF8(message[:MaxAnnotation], "") + "..."
	}
	return message
}

func (c *Commands) withPosition(at source.Position, title string) *githubactions.Action {
	fields := map[string]string{"title": title}
	if at.File != "" {
		fields["file"] = c.inWorkspace(at.File)
		if at.Line > 0 {
			fields["line"] = strconv.Itoa(at.Line)
		}
		if at.Column > 0 {
			fields["col"] = strconv.Itoa(at.Column)
		}
	}
	return c.action.WithFieldsMap(fields)
}

// inWorkspace returns a path as the runner expects it: relative to the workspace, with
// slashes. A path outside of the workspace is not made relative.
func (c *Commands) inWorkspace(path string) string {
	workspace, ok := c.lookup("GITHUB_WORKSPACE")
	whole, err := filepath.Abs(path)
	if !ok || workspace == "" || err != nil {
		return filepath.ToSlash(path)
	}
	if below, err := filepath.Rel(workspace, whole); err == nil && filepath.IsLocal(below) {
		return filepath.ToSlash(below)
	}
	return filepath.ToSlash(path)
}

// SetOutput sets an output of the step. It returns an error if the value could forge
// other outputs or the runner's file cannot be written. It does nothing if the runner has
// no such file.
func (c *Commands) SetOutput(name, value string) error {
	value = c.mask(value)
	if strings.Contains(value, delimiter) || strings.Contains(name, delimiter) {
		return errors.New("the value contains the output delimiter and could forge other outputs")
	}
	return c.file("GITHUB_OUTPUT", fmt.Sprintf("%s<<%s\n%s\n%s\n", name, delimiter, value, delimiter))
}

// Summary appends Markdown to the step's summary, cut to GitHub's limit. It does nothing
// if the runner has no file for it.
func (c *Commands) Summary(markdown string) error {
	const cut = "\n\n(truncated: a step summary is limited to 1 MiB)\n"
	markdown = c.mask(markdown)
	if len(markdown) > maxSummary-len(cut) {
		markdown = strings.ToValidUTF8(markdown[:maxSummary-len(cut)], "") + cut
	}
	return c.file("GITHUB_STEP_SUMMARY", markdown+"\n")
}

// file appends to the file that an environment variable of the runner names.
// go-githubactions panics if the file cannot be written.
func (c *Commands) file(variable, text string) error {
	path, ok := c.lookup(variable)
	if !ok || path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
