package dockerfile

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/slipway-ci/slipway/internal/timeouts"
)

// A BuildKit that accepts connections and no longer responds ends the build.
func TestSilentBuildKit(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		var held []net.Conn // keeps the connections from the garbage collector, which would close them
		for {
			taken, err := listener.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, taken)
		}
	}()
	b := &Builder{Name: "BuildKit at " + listener.Addr().String(), sharesLoopback: true, pingInterval: 50 * time.Millisecond, dial: func(ctx context.Context) (*client.Client, error) {
		return client.New(ctx, "tcp://"+listener.Addr().String())
	}}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY Dockerfile /\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = b.Build(t.Context(), Spec{Name: "api", Dir: dir, File: "Dockerfile", Platforms: []string{"linux/amd64"}}, Output{Repository: "127.0.0.1:9/api", PlainHTTP: true}, nil)
	if silent := new(timeouts.Error); !errors.As(err, &silent) {
		t.Errorf("%v", err)
	}
}
