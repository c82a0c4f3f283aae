package container

import "fmt"

// Reasons of a StartError, as a Kubernetes container's status has them.
const (
	// CannotRun tells that the container was built but its command does not start.
	CannotRun = "ContainerCannotRun"
	// CannotCreate tells that the container could not be built.
	CannotCreate = "CreateContainerError"
)

// StartError tells that a container's command never ran.
type StartError struct {
	Command string `json:"command"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Error gives "start COMMAND: message".
func (e *StartError) Error() string { return fmt.Sprintf("start %s: %s", e.Command, e.Message) }

// NotIsolatedError tells that a command needs its image around it, on a machine
// where that cannot be had.
type NotIsolatedError struct {
	Command string
	// Why nothing is isolated here.
	Why string
	// Problem says what keeps the command from running without.
	Problem string
	// Remedy is how to get isolation; empty when there is no way on this machine.
	Remedy string
}

// Error says what is wrong and names the ways out.
func (e *NotIsolatedError) Error() string {
	ways := "use an image with a static binary (such as an image of kind go), or a real cluster"
	if e.Remedy != "" {
		ways = e.Remedy + ", " + ways
	}
	return fmt.Sprintf("start %s: %s, and containers are not isolated here (%s): %s", e.Command, e.Problem, e.Why, ways)
}
