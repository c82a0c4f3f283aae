package relay

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"
)

// dialTimeout limits how long DialURL connects.
const dialTimeout = 30 * time.Second

// DialURL connects to the host and port of a URL. It ends early when ctx is done.
func DialURL(ctx context.Context, address string) (net.Conn, error) {
	at, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", at.Host)
}

// CheckPort returns an error if port is not one of this machine, nor 0 for any free one.
func CheckPort(port int) error {
	if port < 0 || port > 65535 {
		return fmt.Errorf("port %d is not valid: ports are 1 to 65535", port)
	}
	return nil
}
