package testenv

import (
	"net"
	"testing"
)

// Address returns an address of this machine that is not loopback. An API server forwards
// no request for a node to loopback.
func Address(t testing.TB) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if own, ok := a.(*net.IPNet); ok && own.IP.To4() != nil && own.IP.IsGlobalUnicast() {
			return own.IP.String()
		}
	}
	missing(t, "an address that is not loopback")
	return ""
}
