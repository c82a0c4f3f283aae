package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// TestUsageMessages calls commands wrongly. The errors name the command and its
// usage.
func TestUsageMessages(t *testing.T) {
	for _, test := range []struct {
		want string
		args []string
	}{
		{"an argument is missing: slipway status RUN", []string{"status"}},
		{"an argument is missing: slipway component show NAME", []string{"component", "show"}},
		{`too many arguments ("a" "b" "c"): slipway artifacts RUN [DIR]`, []string{"artifacts", "a", "b", "c"}},
		{`too many arguments ("x"): slipway runs`, []string{"runs", "x"}},
		{`invalid argument "x" for "--limit" flag (slipway runs --help lists the flags)`, []string{"runs", "--limit", "x"}},
		{"an argument is missing: slipway retag FROM TO", []string{"retag", "x"}},
		{`unknown command "deplyo" for "slipway" (did you mean deploy?)`, []string{"deplyo"}},
		{`unknown command "frobnicate" for "slipway" (slipway --help lists the commands)`, []string{"frobnicate"}},
		{`unknown command "plam" for "slipway secrets" (did you mean plan?)`, []string{"secrets", "plam"}},
		{`unknown command "shwo" for "slipway component" (did you mean show?)`, []string{"component", "shwo"}},
		{`unknown command "x" for "slipway sandbox" (slipway sandbox --help lists its commands)`, []string{"sandbox", "x"}},
		{`unknown command "powershel" for "slipway completion" (did you mean powershell?)`, []string{"completion", "powershel"}},
		{`unknown command "exit-code" for "slipway" (did you mean exit-codes?)`, []string{"help", "exit-code"}},
		{`unknown command "sto" for "slipway sandbox" (did you mean stop?)`, []string{"help", "sandbox", "sto"}},
		{"unknown flag: --reun (did you mean --rerun? slipway deploy --help lists the flags)", []string{"deploy", "--reun"}},
		{"unknown flag: --outptu (did you mean --output? slipway deploy --help lists the flags)", []string{"deploy", "--outptu"}},
		{"unknown flag: --verson (did you mean --version? slipway --help lists the flags)", []string{"--verson"}},
		{"unknown flag: --quite (did you mean --quiet? slipway secrets --help lists the flags)", []string{"secrets", "--quite"}},
		{"flag needs an argument: --param (slipway deploy --help lists the flags)", []string{"deploy", "--param"}},
		{"unknown shorthand flag: 'x' in -x (slipway deploy --help lists the flags)", []string{"deploy", "-x"}},
		{`unknown command "deploy" for "slipway" (leave out the -- before it)`, []string{"--", "deploy"}},
		{"unknown flag: --jobs (slipway deploy --help lists the flags)", []string{"deploy", "--jobs", "a"}},
	} {
		d := cli.Open()
		d.Stdout, d.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
		c := root(d, command.Table(), d.Out())
		c.SetArgs(test.args)
		if err := c.ExecuteContext(t.Context()); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.args, err, test.want)
		}
	}
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullDisk prints what is no result of a task to a full disk. It is not an error of the
// command line.
func TestFullDisk(t *testing.T) {
	for _, args := range [][]string{{}, {"help"}, {"help", "deploy"}, {"deploy", "--help"}, {"--version"}, {"completion", "bash"}, {"schema"}} {
		var failed bytes.Buffer
		a := cli.Open()
		a.Stdout, a.Stderr = full{}, &failed
		if code := run(a, args); code != tasks.ExitStep || !strings.Contains(failed.String(), "no space left on device") {
			t.Errorf("%q: exit code %d: %s", args, code, failed.String())
		}
	}
}
