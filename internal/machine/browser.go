package machine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// browserWait is how long a program that opens a browser is watched for an error.
const browserWait = 2 * time.Second

// OpenBrowser opens an address in the browser of this machine's user. The browser outlives
// the command, and gets none of its signals.
func OpenBrowser(ctx context.Context, address string) error {
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
	case <-time.After(browserWait): // it is the browser itself
	case <-ctx.Done():
	}
	return nil
}
