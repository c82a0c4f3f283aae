// Command keys asks the SSH agent at SSH_AUTH_SOCK for its keys and prints the
// answer as it is. It is what a step of a test's Dockerfile runs.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if err := ask(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask() error {
	agent, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return err
	}
	defer agent.Close()
	// One byte follows: SSH_AGENTC_REQUEST_IDENTITIES, draft-miller-ssh-agent.
	if _, err := agent.Write([]byte{0, 0, 0, 1, 11}); err != nil {
		return err
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(agent, size); err != nil {
		return err
	}
	_, err = io.CopyN(os.Stdout, agent, int64(size[2])<<8|int64(size[3]))
	return err
}
