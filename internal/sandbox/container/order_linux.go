package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The descriptors that a container's init inherits beyond its standard ones.
const (
	orderFD    = 3 + iota // where its order comes from
	reportFD              // where it reports to
	listenerFD            // the first of its ports' listeners
)

// order is what a container's init is told to do. It comes through a pipe, so that
// what it holds is never seen in arguments, the environment or a file.
type order struct {
	// Name is the host name.
	Name string
	// Lower is the image's root, Upper and Work are the overlay's directories, and
	// Root is the mount point: directories of the machine.
	Lower, Upper, Work, Root string
	// Copy asks for a copy of the image instead of an overlay.
	Copy   bool
	Mounts []Mount
	// Probe asks to build the container only.
	Probe      bool
	Command    []string
	Env        []string
	WorkingDir string
	Image      ImageConfig
	Platform   string
	// Ports have their listeners inherited in the same order.
	Ports []int
}

// report is a line of what the init tells before the command executes. The end of
// the pipe after Ready, without Error, is the command's successful start.
type report struct {
	Ready bool        `json:",omitempty"`
	Copy  bool        `json:",omitempty"` // overlays are refused
	Error *StartError `json:",omitempty"`
}

// readReport reads until the command executes or the init is gone.
func readReport(r io.Reader) (last report, err error) {
	for lines := json.NewDecoder(r); ; {
		err := lines.Decode(&last)
		switch {
		case errors.Is(err, io.EOF) && last.Ready:
			return last, nil
		case errors.Is(err, io.EOF):
			return last, errors.New("the container's init ended before it started the command")
		case err != nil:
			return last, fmt.Errorf("read the report of the container's init: %w", err)
		case last.Error != nil:
			return last, last.Error
		}
	}
}
