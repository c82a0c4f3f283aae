package timeouts

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/slipway-ci/slipway/internal/panics"
)

func TestBroken(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("no"), false},
		{io.EOF, true},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{&url.Error{Op: "Get", Err: io.EOF}, true},
		{&url.Error{Op: "Get", Err: &net.DNSError{IsTemporary: true}}, true},
		{&url.Error{Op: "Get", Err: &net.DNSError{IsNotFound: true}}, false},
		{&url.Error{Op: "Get", Err: &tls.CertificateVerificationError{}}, false},
		{&url.Error{Op: "Get", Err: &Error{}}, false},
		{&url.Error{Op: "Get", Err: &panics.Error{}}, false},
	} {
		if got := Broken(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
