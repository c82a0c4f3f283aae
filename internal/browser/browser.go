// Package browser opens pages in the browser of this machine's user.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// watched is how long a program that opens a browser is watched for an error.
const watched = 2 * time.Second

// Open opens an address in the browser of this machine's user. The browser outlives
// the command, and gets none of its signals. Open returns an error if no browser can be started, or if it fails within 2 s.
// Cancelling ctx ends the wait for that.
func Open(ctx context.Context, address string) error {
	argv := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if argv == nil {
		argv = []string{"xdg-open"}
	}
	command := exec.Command(argv[0], append(argv[1:], address)...)
	command.SysProcAttr = apart()
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	panics.Go(func() { ended <- command.Wait() }, func(err error) { ended <- err })
	select {
	case err := <-ended:
		if failed := new(exec.ExitError); errors.As(err, &failed) {
			return fmt.Errorf("%s: %w", argv[0], err)
		}
		return err
	case <-time.After(watched): // it is the browser itself
	case <-ctx.Done():
	}
	return nil
}
