//go:build !windows

package dockerfile

import (
	"context"
	"errors"
	"net"
)

// dialPipe returns an error, because named pipes exist only on Windows.
func dialPipe(context.Context, string) (net.Conn, error) {
	return nil, errors.New("named pipes are supported on Windows only")
}
