package cluster

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/httpstream"
)

// TestLateError ends the data of a port before the kubelet reports why.
func TestLateError(t *testing.T) {
	said, say := io.Pipe()
	c := &connection{streams: map[string]io.Reader{"error": said, "data": reader(func() {
		go func() {
			_, _ = io.WriteString(say, "connection refused")
			_ = say.Close()
		}()
	})}}
	f, err := (&Tunnel{pod: "train", connection: c}).open(80)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "pod train closed the connection: connection refused") {
		t.Errorf("the reason is %v", err)
	}
}

// reader calls the function and returns io.EOF.
type reader func()

func (r reader) Read([]byte) (int, error) { r(); return 0, io.EOF }

// connection is a fake that has a stream of each type.
type connection struct {
	httpstream.Connection
	streams map[string]io.Reader
}

func (c *connection) CreateStream(headers http.Header) (httpstream.Stream, error) {
	return stream{Reader: c.streams[headers.Get("streamType")]}, nil
}

func (c *connection) Close() error                       { return nil }
func (c *connection) CloseChan() <-chan bool             { return nil }
func (c *connection) RemoveStreams(...httpstream.Stream) {}

type stream struct {
	httpstream.Stream
	io.Reader
}

func (s stream) Read(text []byte) (int, error) { return s.Reader.Read(text) }
func (s stream) Close() error                  { return nil }
func (s stream) Reset() error                  { return nil }
