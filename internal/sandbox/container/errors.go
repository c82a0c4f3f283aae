package container

import "fmt"

// Reasons of a StartError. They are those of a Kubernetes container's status.
const (
	// CannotRun means that the container was built but its command does not start.
	CannotRun = "ContainerCannotRun"
	// CannotCreate means that the container could not be built.
	CannotCreate = "CreateContainerError"
)

// StartError reports that a container's command was never executed.
type StartError struct {
	Command string `json:"command"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Error returns "start COMMAND: message".
func (e *StartError) Error() string { return fmt.Sprintf("start %s: %s", e.Command, e.Message) }

// NotIsolatedError reports that a command needs its image as the root, on a machine that
// does not allow containers to be isolated.
type NotIsolatedError struct {
	Command string
	// Why says why containers are not isolated on this machine.
	Why string
	// Problem says why the command cannot run without isolation.
	Problem string
	// Remedy says how to get isolation. It is empty if this machine has no way.
	Remedy string
}

// Error says what is wrong and lists the ways out.
func (e *NotIsolatedError) Error() string {
	ways := "use an image with a static binary (such as an image of kind go), or a real cluster"
	if e.Remedy != "" {
		ways = e.Remedy + ", " + ways
	}
	return fmt.Sprintf("start %s: %s, and containers are not isolated here (%s): %s", e.Command, e.Problem, e.Why, ways)
}
