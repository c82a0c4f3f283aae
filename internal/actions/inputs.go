package actions

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/shlex"
)

// InputPrefix begins the variables in which action.yml passes its inputs. A composite action
// gets none from the runner.
const InputPrefix = "SLIPWAY_INPUT_"

// Inputs are the inputs of the action as a command line.
type Inputs struct {
	// Arguments are those of the slipway command.
	Arguments []string
	// Environment are variables to set, each NAME=VALUE. An empty input sets none, so that the
	// variables of the job stay as they are.
	Environment []string
}

// ReadInputs returns the inputs of the action, which lookup reads as os.LookupEnv does. The
// target and args are words, with quotes and comments as in a shell and any number of lines;
// nothing in them is expanded. Jobs and params have one item on each line. It returns an *InputError for quotes
// that do not end, and if there is no target.
func ReadInputs(lookup func(string) (string, bool)) (*Inputs, error) {
	input := func(name string) string {
		value, _ := lookup(InputPrefix + name)
		return strings.TrimSpace(value)
	}
	target, err := words("target", input("TARGET"))
	if err == nil && len(target) == 0 {
		err = &InputError{Input: "target", Message: "no command is given, such as deploy"}
	}
	if err != nil {
		return nil, err
	}
	args, err := words("args", input("ARGS"))
	if err != nil {
		return nil, err
	}
	in := &Inputs{Arguments: target}
	for _, param := range lines(input("PARAMS")) {
		in.Arguments = append(in.Arguments, "--param="+param)
	}
	for _, flag := range []struct{ input, name string }{{"CONFIG", "--file"}, {"ENVIRONMENT", "--env"}, {"WORKING_DIRECTORY", "--dir"}} {
		if value := input(flag.input); value != "" {
			in.Arguments = append(in.Arguments, flag.name+"="+value)
		}
	}
	if comment := input("COMMENT"); comment != "" {
		in.Arguments = append(in.Arguments, "--comment="+comment)
		if token := input("TOKEN"); token != "" { // only then does the token reach the process and what it starts
			in.Environment = append(in.Environment, "GITHUB_TOKEN="+token)
		}
	}
	for _, variable := range []struct{ input, name string }{
		{"WORKLOAD_IDENTITY_PROVIDER", "SLIPWAY_WORKLOAD_IDENTITY_PROVIDER"}, {"SERVICE_ACCOUNT", "SLIPWAY_SERVICE_ACCOUNT"}, {"POLYAXON_TOKEN", "POLYAXON_TOKEN"},
	} {
		if value := input(variable.input); value != "" {
			in.Environment = append(in.Environment, variable.name+"="+value)
		}
	}
	in.Arguments = append(in.Arguments, args...) // after the flags, which would be names after a -- of args
	if jobs := lines(input("JOBS")); len(jobs) > 0 {
		if !slices.Contains(args, "--") {
			in.Arguments = append(in.Arguments, "--") // a name is never a flag
		}
		in.Arguments = append(in.Arguments, jobs...)
	}
	return in, nil
}

// words returns the words of an input. It returns an *InputError for a quote that does not end.
func words(name, text string) ([]string, error) {
	all, err := shlex.Split(strings.ReplaceAll(text, "\r", ""))
	if err != nil {
		return nil, &InputError{Input: name, Message: "a quote is opened and not closed"}
	}
	return all, nil
}

// lines returns the lines of text that are not blank, without the spaces around them.
func lines(text string) (all []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// InputError is a mistake in an input of the action.
type InputError struct {
	Input, Message string
}

// Error implements error.
func (e *InputError) Error() string {
	return fmt.Sprintf("the input %s of the action: %s", e.Input, e.Message)
}
