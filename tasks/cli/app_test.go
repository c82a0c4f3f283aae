package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/klog/v2"

	"github.com/slipway-ci/slipway/tasks"
)

// Durations in JSON have at most three decimals.
func TestSeconds(t *testing.T) {
	for milliseconds := range 5000 {
		text, err := json.Marshal(seconds(time.Duration(milliseconds)*time.Millisecond + 400*time.Microsecond))
		if _, decimals, _ := strings.Cut(string(text), "."); err != nil || len(decimals) > 3 {
			t.Errorf("%d ms: %s, %v", milliseconds, text, err)
		}
	}
}

// A variable that is neither true nor false is an error, because it would change nothing.
func TestInvalidVariable(t *testing.T) {
	for value, code := range map[string]int{"yes": tasks.ExitUsage, "1": tasks.ExitOK, "false": tasks.ExitOK, "": tasks.ExitOK} {
		t.Setenv("SLIPWAY_NO_ATTESTATIONS", value)
		var out, failed bytes.Buffer
		a := Open()
		a.Stdout, a.Stderr = &out, &failed
		err := a.Run(t.Context(), func(context.Context, *tasks.Env) (*tasks.Result, error) { return &tasks.Result{}, nil })
		if tasks.ExitCode(err) != code || (code != 0) != strings.Contains(failed.String(), "SLIPWAY_NO_ATTESTATIONS=yes: the value must be true or false") {
			t.Errorf("%q: %v %s", value, err, failed.String())
		}
	}
}

// TestClientsLogNothing logs an error as the Kubernetes client does when a request is
// cancelled, and has net/http log what a server sends without a request: it may echo the
// credentials of the last one.
func TestClientsLogNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		if _, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
			_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nthe-credentials")
		}
	}()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	own := os.Stderr
	os.Stderr = write
	log.SetOutput(os.Stderr)
	defer log.SetOutput(own)
	a := &App{Dir: t.TempDir(), Stdout: io.Discard, Stderr: io.Discard}
	ran := a.Run(t.Context(), func(ctx context.Context, _ *tasks.Env) (*tasks.Result, error) {
		klog.FromContext(ctx).Error(errors.New("context canceled"), "Unexpected error when reading response body")
		klog.ErrorS(errors.New("use of closed network connection"), "Unhandled Error")
		transport := &http.Transport{}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String(), nil)
		if err != nil {
			return nil, err
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		time.Sleep(100 * time.Millisecond) // net/http reads the rest meanwhile
		return &tasks.Result{}, nil
	})
	klog.Flush()
	os.Stderr = own
	if err := errors.Join(ran, write.Close()); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(read); err != nil || len(text) > 0 {
		t.Errorf("standard error has %q, %v", text, err)
	}
}
