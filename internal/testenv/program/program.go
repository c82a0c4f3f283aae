// Package program runs the container of a compiled operation as a process of this
// machine. Test doubles of Polyaxon's agent use it.
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

// grace is how long a killed process may keep its output open.
const grace = 2 * time.Second

// operation has the fields of an operation that Run uses.
type operation struct {
	Run struct {
		Container struct {
			Command, Args []string
			Env           []struct{ Name, Value string }
		}
	}
}

// Run runs the main container of a compiled operation, given as JSON, in the directory
// dir, which it creates. It calls line for each line of output, from a single goroutine.
// It returns the error of the process. Cancelling ctx kills the process.
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
