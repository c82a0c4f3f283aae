package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/slipway-ci/slipway/internal/gate"
)

const (
	own  = "GET /ui HTTP/1.1\r\nHost: localhost:8117\r\n\r\n"
	evil = "GET /api/v1/runs HTTP/1.1\r\nHost: evil.example:8117\r\n\r\n"
	post = "POST /api HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s"
)

// hostile are requests of pages that do not belong to the port.
var hostile = map[string]string{
	"another host's name":         evil,
	"with a number":               "GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
	"with a method of its own":    "getit / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	"with a strange method":       "a-b.c~! / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	"with bare line feeds":        "GET / HTTP/1.1\nHost: evil.example\n\n",
	"to a proxy":                  "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"a script":                    "POST /api HTTP/1.1\r\nHost: localhost:8117\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}",
	"a page of another port":      "POST /api HTTP/1.1\r\nHost: localhost:8117\r\nOrigin: http://localhost:3000\r\nContent-Length: 0\r\n\r\n",
	"a WebSocket":                 "GET /ws HTTP/1.1\r\nHost: localhost:8117\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"an image":                    "GET /x HTTP/1.1\r\nHost: localhost:8117\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n",
	"a frame":                     "GET /x HTTP/1.1\r\nHost: localhost:8117\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n\r\n",
	"after a good one":            own + evil,
	"after a body":                fmt.Sprintf(post, len(own), own) + evil,
	"after a body that is no end": fmt.Sprintf(post, 4, "\r\n\r\n") + evil,
}

// harmless is what must come through as it is.
var harmless = map[string]string{
	"two requests":              own + own,
	"without a host":            "GET / HTTP/1.0\r\n\r\n",
	"the own page":              "POST /api HTTP/1.1\r\nHost: localhost:8117\r\nOrigin: http://localhost:8117\r\nContent-Length: 2\r\n\r\n{}",
	"at IPv6":                   "GET / HTTP/1.1\r\nHost: [::1]:8117\r\nOrigin: http://[::1]:8117\r\n\r\n",
	"a link in a page":          "GET /ui HTTP/1.1\r\nHost: localhost:8117\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
	"a body that is a request":  fmt.Sprintf(post, len(evil), evil),
	"a body in chunks":          "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"a WebSocket of the page":   "GET /ws HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85GET / HTTP/1.1\r\nHost: frame\r\n\r\n",
	"HTTP/2":                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00",
	"TLS":                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"SSH":                       "SSH-2.0-OpenSSH_9.9\r\n",
	"SMTP":                      "EHLO example.com\r\nQUIT\r\n",
	"Redis":                     "*1\r\n$4\r\nPING\r\n",
	"Redis by hand":             "GET key\r\n",
	"PostgreSQL":                "\x00\x00\x00\x08\x04\xd2\x16\x2f",
	"words without an end":      "HELLO there",
	"an end within a request":   "GET / HTTP/1.1\r\nHost: evil",
	"an end within a body":      fmt.Sprintf(post, 100, "half"),
	"nothing":                   "",
	"a line without a protocol": "GET /\r\n",
}

// TestRequestsAreChecked sends what pages and programs may send, at once and byte by byte. What
// is refused must not reach the place, and all else must reach it unchanged.
func TestRequestsAreChecked(t *testing.T) {
	for name, text := range hostile {
		for _, reader := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			var arrived bytes.Buffer
			refused := new(RefusedError)
			if left, err := transferRequests(&arrived, local{reader}, gate.CheckPage); err != nil || !errors.As(left, &refused) || refused.Status != http.StatusForbidden {
				t.Errorf("%s: %v, %v", name, left, err)
			}
			if strings.Contains(strings.TrimPrefix(arrived.String(), fmt.Sprintf(post, len(own), own)), "evil") {
				t.Errorf("%s: %q arrives", name, arrived.String())
			}
		}
	}
	for name, text := range harmless {
		for _, reader := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			var arrived bytes.Buffer
			if left, err := transferRequests(&arrived, local{reader}, gate.CheckPage); left != nil || err != nil || arrived.String() != text {
				t.Errorf("%s: %q arrives, %v, %v", name, arrived.String(), left, err)
			}
		}
	}
	for want, text := range map[int]string{
		http.StatusRequestHeaderFieldsTooLarge: strings.Repeat("A", maxHeader+1),
		http.StatusBadRequest:                  "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	} {
		refused := new(RefusedError)
		if left, _ := transferRequests(io.Discard, local{strings.NewReader(text)}, gate.CheckPage); !errors.As(left, &refused) || refused.Status != want {
			t.Errorf("%.30q: %v", text, left)
		}
	}
}

// local is a connection that only sends.
type local struct{ io.Reader }

func (l local) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (l local) Close() error                     { return nil }
func (l local) LocalAddr() net.Addr              { return nil }
func (l local) RemoteAddr() net.Addr             { return nil }
func (l local) SetDeadline(time.Time) error      { return nil }
func (l local) SetReadDeadline(time.Time) error  { return nil }
func (l local) SetWriteDeadline(time.Time) error { return nil }

// TestRefusalsAreAnswered has a relay refuse a request with a long body. The program reads why,
// and the relay tells it. A place that speaks first is heard at once.
func TestRefusalsAreAnswered(t *testing.T) {
	failures := make(chan error, 1)
	r, err := Open(t.Context(), Options{Check: gate.CheckPage, Failed: func(err error) { failures <- err }, Dial: func(context.Context) (net.Conn, error) {
		place, remote := net.Pipe()
		go func() { _, _ = io.WriteString(place, "220 ready\r\n") }()
		return remote, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	connection, err := net.Dial("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	first := make([]byte, len("220 ready\r\n"))
	if _, err := io.ReadFull(connection, first); err != nil || string(first) != "220 ready\r\n" {
		t.Errorf("the place says %q, %v", first, err)
	}
	go func() {
		_, _ = io.WriteString(connection, fmt.Sprintf(strings.Replace(post, "127.0.0.1", "evil.example", 1), 1<<20, strings.Repeat("x", 1<<20)))
	}()
	said, err := io.ReadAll(connection)
	if !strings.HasPrefix(string(said), "HTTP/1.1 403 Forbidden\r\n") || !strings.HasSuffix(string(said), "\r\n\r\nforbidden: the Host header must be 127.0.0.1, [::1] or localhost\n") {
		t.Errorf("it says %q, %v", said, err)
	}
	if err := <-failures; !errors.As(err, new(*RefusedError)) {
		t.Errorf("it is told as %v", err)
	}
}
