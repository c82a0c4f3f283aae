// Package cli runs tasks for programs that users start: the slipway binary and magefiles. It
// creates an Env from the process, prints events and results to its streams (and to GitHub
// in a workflow), and turns errors into exit codes.
//
// docs/api.md shows how a magefile of another repository uses it.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"
	"k8s.io/klog/v2"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// App runs tasks in the current process.
type App struct {
	// Dir, File and Environment are as in tasks.Env.
	Dir         string `flag:"dir" env:"SLIPWAY_DIR" short:"C" help:"look for slipway.yaml in this directory"`
	File        string `flag:"file" env:"SLIPWAY_FILE" short:"f" per:"command" help:"use this file instead of slipway.yaml"`
	Environment string `flag:"env" env:"SLIPWAY_ENV" complete:"environment" help:"use this environment of slipway.yaml"`
	// Output is the format of results: text (the default), json, or another one that the command
	// offers (see Offers), such as sarif.
	Output string `flag:"output" env:"SLIPWAY_OUTPUT" short:"o" oneof:"text,json,..." help:"print results as text or json"`
	// Quiet prints only results, warnings and errors. Verbose adds details.
	Quiet   bool `flag:"quiet" env:"SLIPWAY_QUIET" help:"print only results, warnings and errors"`
	Verbose bool `flag:"verbose" env:"SLIPWAY_VERBOSE" help:"print details"`
	// Reports is the directory for files that systems of CI show, "" for none: summary.md,
	// result.json, metrics.txt and codequality.json.
	Reports string `flag:"reports" env:"SLIPWAY_REPORTS" value:"DIR" help:"write the summary, the result, metrics and findings into files in DIR, for CI"`
	// NoAttestations is as in tasks.Env.
	NoAttestations bool `flag:"no-attestations" env:"SLIPWAY_NO_ATTESTATIONS" help:"push images without SBOM and provenance"`
	// Comment also writes the result into a comment of the pull request that a workflow of
	// GitHub runs for. GITHUB_TOKEN is the token.
	Comment bool `flag:"comment" env:"SLIPWAY_COMMENT" help:"in a workflow for a pull request, comment there, with GITHUB_TOKEN"`
	// Self are the arguments with which this program serves the sandbox.
	Self []string
	// Stdout receives results. Stderr receives everything else.
	Stdout, Stderr io.Writer

	live     *printer.Live
	sections *sections
	streams  *streams
	name     string
	// invalid is the error of a variable that Open could not read.
	invalid error
	// forms are the values of Output that are allowed besides text and json.
	forms []string
}

// Offers sets the values that Output may have besides text and json. It returns a.
func (a *App) Offers(forms ...string) *App {
	a.forms = forms
	return a
}

// Named sets the name of the command, which the Result has if its task fails before it
// gives one. It returns a.
func (a *App) Named(name string) *App {
	a.name = name
	return a
}

// Open returns an App for this process. Its options come from the environment variables in
// the tags of its fields, such as SLIPWAY_DIR. Run reports a variable with an invalid value.
func Open() *App {
	a := &App{Self: []string{"sandbox:serve"}, Stdout: os.Stdout, Stderr: os.Stderr}
	fields := reflect.ValueOf(a).Elem()
	for n := range fields.NumField() {
		name := fields.Type().Field(n).Tag.Get("env")
		if name == "" {
			continue
		}
		value := os.Getenv(name)
		switch field := fields.Field(n); field.Kind() {
		case reflect.Bool:
			on, err := strconv.ParseBool(value)
			if err != nil && value != "" && a.invalid == nil {
				a.invalid = &tasks.UsageError{Message: fmt.Sprintf("%s=%s: the value must be true or false", name, value)}
			}
			field.SetBool(on)
		case reflect.String:
			field.SetString(value)
		}
	}
	if a.Dir == "" {
		a.Dir = "."
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" && os.Getenv("RUNNER_DEBUG") == "1" {
		a.Verbose = true // "Re-run jobs" with "Enable debug logging"
	}
	return a
}

// ExitError is an error that has already been printed, with its exit code. mage exits with
// its ExitStatus.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the exit code as text.
func (e *ExitError) Error() string { return fmt.Sprintf("exit code %d", e.Code) }

// Unwrap returns the error that was printed.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitStatus returns the exit code.
func (e *ExitError) ExitStatus() int { return e.Code }

// Task is a function of package tasks with its options bound.
type Task func(context.Context, *tasks.Env) (*tasks.Result, error)

// Run calls task, and prints its events to Stderr and its result to Stdout. If it returns an
// error, that is an *ExitError.
func (a *App) Run(ctx context.Context, task Task) error {
	err := panics.Catch("", func() error { return a.run(ctx, task) })
	if fault := new(panics.Error); errors.As(err, &fault) && !errors.As(err, new(*ExitError)) {
		return a.fail(err) // the panic came while printing the result
	}
	return err
}

func (a *App) run(ctx context.Context, task Task) error {
	if a.invalid != nil {
		return a.refuse(a.invalid)
	}
	if forms := append([]string{"text", "json"}, a.forms...); a.Output != "" && !slices.Contains(forms, a.Output) {
		return a.refuse(&tasks.UsageError{Message: fmt.Sprintf("-o %s: the output must be %s", a.Output, strings.Join(forms, " or "))})
	}
	env, workflow := a.env()
	defer a.open().close()
	ctx = klog.NewContext(ctx, klog.Logger{}) // the Kubernetes client logs to standard error what it also returns
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard) // so does net/http, with what a server sent, which may be a credential that it echoes
	ctx, faults := panics.Watch(ctx)
	interrupted := func() {}
	if workflow != nil {
		interrupted = workflow.interrupted
	}
	ctx, release := interruptible(ctx, interrupted, a.leave)
	defer release()
	latest := &lastStep{next: env.Events}
	env.Events = latest
	started := env.Now()
	var result *report.Result
	err := panics.Catch("", func() (err error) { result, err = task(ctx, env); return err })
	fault := new(panics.Error)
	if !errors.As(err, &fault) {
		err = errors.Join(err, faults())
	}
	if errors.As(err, &fault) && fault.At == "" {
		fault.At = latest.step()
	}
	if a.live != nil {
		a.live.Close()
	}
	if result == nil {
		result = &report.Result{Command: a.name}
	}
	result.Seconds = seconds(env.Now().Sub(started))
	result.ExitCode = tasks.ExitCode(err)
	if err != nil {
		result.Error = err.Error()
	}
	if workflow != nil {
		workflow.report(result, err)
		a.comment(ctx, workflow, result, env.Transport)
	}
	if a.sections != nil {
		a.sections.close()
	}
	a.saveReports(result, err, latest)
	if err := a.print(result); err != nil {
		return a.fail(fmt.Errorf("print the result: %w", err))
	}
	switch {
	case err == nil:
		return nil
	case workflow != nil && annotated(err):
		return &ExitError{Code: result.ExitCode, Err: err}
	}
	return a.fail(err)
}

// seconds returns d in seconds, with at most three decimals. Dividing once by 1000 gives the
// shortest form in JSON: 1.122, and not 1.1219999999999999.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}

// Env returns an Env for this process, for functions that do not return a Result.
func (a *App) Env() *tasks.Env {
	env, _ := a.env()
	return env
}

// env returns an Env for this process, and the workflow that its events go to, nil outside
// of GitHub Actions.
func (a *App) env() (*tasks.Env, *workflow) {
	to := a.open()
	sink := a.sink()
	var lines io.Writer = to.out
	if a.Output == "json" {
		lines = to.err // standard output must be one JSON object
	}
	env := &tasks.Env{
		Dir: a.Dir, File: a.File, Environment: a.Environment, Secrets: to.secrets,
		Stdout: lines, Lookup: os.LookupEnv, Environ: os.Environ(), Now: time.Now,
		Transport: http.DefaultTransport, Self: a.self(), Version: Version(), NoAttestations: a.NoAttestations,
	}
	if name, err := os.Hostname(); err == nil {
		env.Machine = name
	}
	env.Ask = a.asker()
	var inWorkflow *workflow
	if commands, ok := actions.New(to.err, to.secrets.Mask, os.LookupEnv); ok {
		inWorkflow = newWorkflow(commands, to, sink, env.Now)
		sink = inWorkflow
	}
	if os.Getenv("GITLAB_CI") == "true" && inWorkflow == nil {
		a.sections = newSections(to.err, sink, env.Now)
		sink = a.sections
	}
	env.Events = sink
	return env, inWorkflow
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

// refuse prints an error of the command line: as an annotation in a workflow, which shows it on
// the page of the run, and otherwise as fail does.
func (a *App) refuse(err error) error {
	commands, ok := actions.New(a.open().err, a.open().secrets.Mask, os.LookupEnv)
	if !ok || !annotated(err) {
		return a.fail(err)
	}
	commands.Error(source.Position{}, "slipway", printer.ShortenIDs(printer.EscapeLines(err.Error())))
	return &ExitError{Code: tasks.ExitCode(err), Err: err}
}

// fail prints err without the parts that events have reported, and returns an *ExitError.
func (a *App) fail(err error) error {
	name := "slipway:"
	if a.color() {
		name = "\x1b[31m" + name + "\x1b[0m"
	}
	text := exit.Rest(err)
	if a.Quiet {
		text = err.Error() // in quiet mode only the worst events were printed
	}
	_, _ = fmt.Fprintf(a.open().err, "%s %s\n", name, printer.ShortenIDs(printer.EscapeText(strings.ReplaceAll(text, "\n", "\n  "))))
	return &ExitError{Code: tasks.ExitCode(err), Err: err}
}

func (a *App) color() bool {
	file, ok := a.Stderr.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

// self returns the command line with which this program serves the sandbox.
func (a *App) self() []string {
	executable, err := os.Executable()
	if err != nil {
		executable = os.Args[0]
	}
	return append([]string{executable}, a.Self...)
}

// Version returns the version of slipway that this program was built from. Builds without a
// version are identified by the modification time of the executable, so that a sandbox
// started by an older build is detected.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Path == module && info.Main.Version != "" && info.Main.Version != "(devel)" {
			return info.Main.Version
		}
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	if executable, err := os.Executable(); err == nil {
		if info, err := os.Stat(executable); err == nil {
			return "devel-" + info.ModTime().UTC().Format("20060102T150405.000")
		}
	}
	return "devel"
}

// version is that of a release, which the linker writes here (goreleaser.yaml). A release names
// no commit in the program, and so the go command writes no version.
var version string

const module = "github.com/slipway-ci/slipway"
