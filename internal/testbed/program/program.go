// Package program runs the container of a compiled operation as a process of this
// machine, for stand-ins of Polyaxon's agent.
package program

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// grace is how long a process may hold its output open after it was killed.
const grace = 2 * time.Second

// operation is what a process is made of.
type operation struct {
	Run struct {
		Container struct {
			Command, Args []string
			Env           []struct{ Name, Value string }
		}
	}
}

// Run runs the main container of a compiled operation, as JSON, in dir, and hands
// each line that it prints to line, from one goroutine. It gives the process's
// error; ctx kills the process.
func Run(ctx context.Context, content, dir string, line func(string)) error {
	var o operation
	if err := json.Unmarshal([]byte(content), &o); err != nil {
		return fmt.Errorf("read the operation: %w", err)
	}
	argv := append(o.Run.Container.Command, o.Run.Container.Args...)
	if len(argv) == 0 {
		return errors.New("the container has no command")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, argv[0], argv[1:]...)
	command.Dir, command.WaitDelay = dir, grace
	command.Env = os.Environ()
	for _, e := range o.Run.Container.Env {
		command.Env = append(command.Env, e.Name+"="+e.Value)
	}
	reader, writer := io.Pipe()
	command.Stdout, command.Stderr = writer, writer
	told := make(chan struct{})
	go func() { defer close(told); lines(reader, line) }()
	err := command.Run()
	_ = writer.Close()
	<-told
	return err
}

func lines(from io.Reader, line func(string)) {
	reader := bufio.NewReader(from)
	for {
		text, err := reader.ReadString('\n')
		if text != "" {
			line(strings.TrimSuffix(text, "\n"))
		}
		if err != nil {
			return
		}
	}
}
