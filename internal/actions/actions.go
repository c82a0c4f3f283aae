// Package actions speaks to the runner of a GitHub Actions step: groups, masks,
// annotations, outputs and the step summary
// (docs.github.com, "Workflow commands for GitHub Actions").
package actions

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/logline"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/source"
)

const (
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
	w      io.Writer
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
	return &Commands{w, lookup, mask}, true
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
func (c *Commands) Group(title string) { c.send("group", title) }

// EndGroup ends the current group.
func (c *Commands) EndGroup() { c.send("endgroup", "") }

// Error annotates a position in a file, or the run if at has no file.
func (c *Commands) Error(at source.Position, title, message string) {
	c.send("error "+c.properties(at, title), truncate(message))
}

// Warning is like Error, with the level warning.
func (c *Commands) Warning(at source.Position, title, message string) {
	c.send("warning "+c.properties(at, title), truncate(message))
}

// Notice is like Error, with the level notice.
func (c *Commands) Notice(at source.Position, title, message string) {
	c.send("notice "+c.properties(at, title), truncate(message))
}

// send writes a command. Text of jobs, files and servers may be in its message, so what acts on a
// terminal is escaped, as in the log's other lines. There is no other place to report that the log
// is gone.
func (c *Commands) send(command, message string) {
	_, _ = io.WriteString(c.w, "::"+command+"::"+EscapeData(logline.PlainText(message))+"\n")
}

func truncate(message string) string {
	message = logline.PlainText(message) // first, as it may become longer
	if len(message) > MaxAnnotation {
		message = strings.ToValidUTF8(message[:MaxAnnotation], "") + "..."
	}
	return message
}

// properties returns the properties of an annotation.
func (c *Commands) properties(at source.Position, title string) string {
	var all []string
	add := func(name, value string) { all = append(all, name+"="+EscapeProperty(logline.PlainText(value))) }
	if at.File != "" {
		if at.Column > 0 {
			add("col", strconv.Itoa(at.Column))
		}
		add("file", c.InRepository(at.File))
		if at.Line > 0 {
			add("line", strconv.Itoa(at.Line))
		}
	}
	add("title", title)
	return strings.Join(all, ",")
}

// InRepository is the function InRepository for the workspace of this workflow.
func (c *Commands) InRepository(path string) string {
	workspace, _ := c.lookup("GITHUB_WORKSPACE")
	return InRepository(path, workspace)
}

// InRepository returns a path as GitHub and GitLab expect it: relative to the top level of the
// repository, with slashes. That is not the workspace when the checkout has a path of its own.
// Outside of a repository, the path is relative to the workspace if it is in it.
func InRepository(path, workspace string) string {
	whole, err := filepath.Abs(path)
	if err != nil {
		return filepath.ToSlash(path)
	}
	top := revision.Top(filepath.Dir(whole))
	if top == "" {
		top = workspace
	}
	if below, err := filepath.Rel(top, whole); err == nil && top != "" && filepath.IsLocal(below) {
		return filepath.ToSlash(below)
	}
	return filepath.ToSlash(path)
}

// SetOutput sets an output of the step; the last value of a name counts. It does nothing if the
// runner has no file for outputs.
func (c *Commands) SetOutput(name, value string) error {
	delimiter := "slipway-" + rand.Text() // a value that could guess it could forge other outputs
	return c.file("GITHUB_OUTPUT", fmt.Sprintf("%s<<%s\n%s\n%s\n", name, delimiter, c.mask(value), delimiter))
}

// SaveTemp writes text to a new file in the runner's directory for temporary files, which only
// the user of the runner may read, and returns its path. It returns "" if the runner has no
// such directory. The pattern is as in os.CreateTemp.
func (c *Commands) SaveTemp(pattern string, text []byte) (path string, err error) {
	dir, ok := c.lookup("RUNNER_TEMP")
	if !ok || dir == "" {
		return "", nil
	}
	file, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return file.Name(), errors.Join(err, file.Close())
}

// Summary appends sections of Markdown to the step's summary. GitHub drops a summary whose
// file is larger than its limit, so sections that do not fit beside what the file already has
// are left out, and a line says so. Summary does nothing if the runner has no file for it.
func (c *Commands) Summary(sections ...string) error {
	path, ok := c.lookup("GITHUB_STEP_SUMMARY")
	if !ok || path == "" {
		return nil
	}
	free := maxSummary
	if info, err := os.Stat(path); err == nil {
		free -= int(min(info.Size(), maxSummary))
	}
	return c.file("GITHUB_STEP_SUMMARY", fit(sections, free, c.mask))
}

// fit returns the sections that fit into a number of bytes once they are masked.
func fit(sections []string, free int, mask func(string) string) string {
	const note = "Sections left out of this summary: %d, because GitHub limits the summary of a step to 1 MiB. The log has them.\n"
	free -= len(note) + 8
	var b strings.Builder
	omitted := 0
	for _, section := range sections {
		section = mask(section) + "\n\n"
		if b.Len()+len(section) > free {
			omitted++
			continue
		}
		b.WriteString(section)
	}
	if omitted > 0 && free >= 0 {
		fmt.Fprintf(&b, note, omitted)
	}
	return b.String()
}

// file appends to the file that an environment variable of the runner names.
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
