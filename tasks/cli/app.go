// Package cli runs tasks for programs that users start: the slipway binary and magefiles. It
// creates an Env from the process, prints events and results to its streams (and to GitHub
// in a workflow), and turns errors into exit codes.
//
// docs/api.md shows how a magefile of another repository uses it.
package cli

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"

	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/tasks"
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
	// Self are the arguments with which this program calls Serve.
	Self []string
	// Plugin are the arguments with which this program runs tasks.ClusterToken, nil if it does
	// not. tasks.ClusterCredentials needs it.
	Plugin []string
	// Stdout receives results. Stderr receives everything else. They must be set before any
	// method is called.
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
// Its Self is slipway's target for mage.
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
