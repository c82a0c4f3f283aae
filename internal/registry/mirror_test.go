package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	c := &Client{Mirrors: map[string]string{"docker.io": "mirror.example.com/hub", "gcr.io": "127.0.0.1:5000"}}
	for from, want := range map[string]string{
		"python:3.12": "mirror.example.com/hub/library/python:3.12", "docker.io/team/a": "mirror.example.com/hub/team/a:latest",
		"index.docker.io/team/a" + digest: "mirror.example.com/hub/team/a" + digest, "gcr.io/acme/a:1": "127.0.0.1:5000/acme/a:1", "eu.gcr.io/acme/a:1": "eu.gcr.io/acme/a:1",
	} {
		reference, err := c.Parse(from)
		if err != nil {
			t.Fatal(err)
		}
		if at, err := c.Mirror(reference); err != nil || at.Name() != want {
			t.Errorf("%s is read at %v, %v; want %s", from, at, err, want)
		}
	}
}

func TestUnanswered(t *testing.T) {
	t.Parallel()
	request := func(err error) error { return &url.Error{Op: "Get", URL: "https://a", Err: err} }
	for _, test := range []struct {
		err  error
		want bool
	}{
		{request(&net.DNSError{IsNotFound: true}), true},
		{request(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), true},
		{&transport.Error{StatusCode: http.StatusTooManyRequests}, true},
		{&transport.Error{StatusCode: http.StatusBadGateway}, true},
		{&transport.Error{StatusCode: http.StatusNotFound}, false},
		{&transport.Error{StatusCode: http.StatusUnauthorized}, false},
		{request(&tls.CertificateVerificationError{}), false},
		{request(&AddressError{}), false},
		{request(context.Canceled), false},
		{errors.New("other"), false},
	} {
		if got := Unanswered(test.err); got != test.want {
			t.Errorf("%v: %t", test.err, got)
		}
	}
}
