package main

import (
	"bytes"
	"testing"

	"github.com/slipway-ci/slipway/internal/command"
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
		{`too many or too few arguments (["a" "b" "c"]): slipway artifacts RUN [DIR]`, []string{"artifacts", "a", "b", "c"}},
		{`too many or too few arguments (["x"]): slipway runs`, []string{"runs", "x"}},
		{`invalid argument "x" for "--limit" flag (slipway runs --help lists the flags)`, []string{"runs", "--limit", "x"}},
		{"unknown flag: --jobs (slipway deploy --help lists the flags)", []string{"deploy", "--jobs", "a"}},
	} {
		d := cli.Open()
		d.Stdout, d.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
		c := root(d, command.Table())
		c.SetArgs(test.args)
		if err := c.ExecuteContext(t.Context()); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.args, err, test.want)
		}
	}
}
