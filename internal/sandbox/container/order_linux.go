package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The descriptors that a container's init inherits beyond its standard ones.
const (
	orderFD    = 3 + iota // the init reads its order from it
	reportFD              // the init writes its reports to it
	listenerFD            // the first of its ports' listeners
)

// order tells a container's init what to do. It is sent through a pipe, so that its
// content never shows up in arguments, the environment or a file.
type order struct {
	// Name is the host name.
	Name string
	// Lower is the image's root, Upper and Work are the overlay's directories, and Root
	// is the mount point. All are directories of the machine.
	Lower, Upper, Work, Root string
	// Copy asks for a copy of the image instead of an overlay.
	Copy   bool
	Mounts []Mount
	// Probe asks to build the container and execute nothing.
	Probe      bool
	Command    []string
	Env        []string
	WorkingDir string
	Image      ImageConfig
	Platform   string
	// Ports are the ports of a service. Their listeners are inherited in the same order.
	Ports []int
}

// report is a line that the init writes before the command executes. The end of the pipe
// after Ready, without Error, means that the command executes.
type report struct {
	Ready bool        `json:",omitempty"`
	Copy  bool        `json:",omitempty"` // overlays are refused
	Error *StartError `json:",omitempty"`
}

// readReport reads reports until the command executes or the init is gone.
func readReport(r io.Reader) (last report, err error) {
	for lines := json.NewDecoder(r); ; {
		err := lines.Decode(&last)
		switch {
		case errors.Is(err, io.EOF) && last.Ready:
			return last, nil
		case errors.Is(err, io.EOF):
			return last, errors.New("the container's init exited before it started the command")
		case err != nil:
			return last, fmt.Errorf("read the report of the container's init: %w", err)
		case last.Error != nil:
			return last, last.Error
		}
	}
}
