package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/cobra"

	"github.com/slipway-ci/slipway/internal/command"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
)

// panickingWriter is an output whose Write panics.
type panickingWriter struct{}

func (panickingWriter) Write([]byte) (int, error) { panic("provoked") }

// TestPanicOfEveryCommand makes each command panic while it prints its result. It exits
// with 3 and says how to report the bug.
func TestPanicOfEveryCommand(t *testing.T) {
	t.Setenv("SLIPWAY_INPUT_TARGET", "version") // for slipway action
	var commands [][]string
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		if !c.HasSubCommands() && strings.Join(path, " ") != "sandbox serve" { // it prints nothing
			commands = append(commands, path)
		}
		for _, below := range c.Commands() {
			walk(below, append(path[:len(path):len(path)], below.Name()))
		}
	}
	walk(root(cli.Open(), command.Table(), io.Discard), nil)
	if len(commands) < 30 {
		t.Fatalf("only %d commands: %v", len(commands), commands)
	}
	for _, command := range append(commands, []string{"--help"}, []string{"--version"}, []string{"__complete", "submit", ""}) {
		t.Run(strings.Join(command, " "), func(t *testing.T) {
			code, told := 0, ""
			for n := 0; n <= 2; n++ { // find the number of arguments that it takes
				var b bytes.Buffer
				d := cli.Open()
				d.Dir, d.Output, d.Stdout, d.Stderr = t.TempDir(), "json", panickingWriter{}, &b
				if code, told = run(d, append(command[:len(command):len(command)], []string{"a", "b"}[:n]...)), b.String(); code == tasks.ExitStep {
					break
				}
			}
			if code != tasks.ExitStep || !strings.Contains(told, "this is a bug in slipway (panic: provoked); please report it at https://") || !strings.Contains(told, "panics_test.go:") {
				t.Errorf("exit code %d: %s", code, told)
			}
		})
	}
}

// carrier is a function that is an http.RoundTripper.
type carrier func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// TestPanicAtEveryRequest panics at the requests of a whole deploy to the registry, the
// cluster and Polyaxon. The deploy exits with 3, whichever goroutine panics.
func TestPanicAtEveryRequest(t *testing.T) {
	t.Parallel()
	s := newStage(t, sandboxServer(t))
	paths := s.rehearse()
	for _, k := range some(len(paths), 6, 2, 0) {
		var n atomic.Int64
		path, transport := "", &http.Transport{DisableKeepAlives: true}
		env := s.env(s.project(), carrier(func(r *http.Request) (*http.Response, error) {
			if n.Add(1) == int64(k) {
				path = r.Method + " " + r.URL.Path
				panic("provoked")
			}
			return transport.RoundTrip(r)
		}))
		ctx, faults := panics.Watch(t.Context()) // as package cli does
		err := panics.Catch("", func() error {
			_, err := tasks.Deploy(ctx, env, tasks.DeployOptions{})
			return err
		})
		err = errors.Join(err, faults())
		if fault := new(panics.Error); path != "" && (tasks.ExitCode(err) != tasks.ExitStep || !errors.As(err, &fault)) {
			t.Errorf("request %d, %s: exit code %d: %v", k, path, tasks.ExitCode(err), err)
		}
	}
}
