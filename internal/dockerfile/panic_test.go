package dockerfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/fsutil"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/panics"
)

// spiteful panics as a keychain, as a transport and as the files of a context.
type spiteful struct{ fsutil.FS }

func (spiteful) Resolve(authn.Resource) (authn.Authenticator, error) { panic("provoked") }
func (spiteful) RoundTrip(*http.Request) (*http.Response, error)     { panic("provoked") }
func (spiteful) Walk(context.Context, string, fs.WalkDirFunc) error  { panic("provoked") }

// unopened panics when a file is opened.
type unopened struct{ fsutil.FS }

func (unopened) Open(string) (io.ReadCloser, error) { panic("provoked") }

// wantPanicError fails the test unless err is only a panic of slipway, which happened at the
// given place.
func wantPanicError(t *testing.T, err error, at string) {
	t.Helper()
	fault, joined := new(panics.Error), interface{ Unwrap() []error }(nil)
	if !errors.As(err, &fault) || fault.Value != "provoked" || !strings.Contains(fault.At, at) || errors.As(err, &joined) || !strings.Contains(err.Error(), "this is a bug in slipway") || strings.Contains(err.Error(), "rpc error") {
		t.Errorf("it ended with %v; want a fault at %q", err, at)
	}
}

// testPanics panics in everything that BuildKit calls during a build, in the goroutines of
// gRPC and fsutil. The build must end, and return the panic as its error.
func testPanics(t *testing.T, w *fixture) {
	private := guard(t, w.registry, "p4ssw0rd-of-the-registry")
	far := *w.builder
	far.sharesLoopback = false
	for name, c := range map[string]struct {
		builder    *Builder
		dockerfile string
		change     func(*Output)
		progress   func(Progress)
		at         string
	}{
		"credentials": {w.builder, "FROM " + private + "/base:1\n", func(o *Output) { o.Keychain = spiteful{} }, nil, "the credentials of " + private},
		"a layer":     {&far, "FROM scratch\nCOPY Dockerfile /\n", func(o *Output) { o.Transport = spiteful{} }, nil, "GET " + w.registry},
		"progress":    {w.builder, "FROM BASE\nRUN sleep 60\n", func(*Output) {}, func(Progress) { panic("provoked") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			output := w.output("fault", "latest")
			c.change(&output)
			_, err := c.builder.Build(t.Context(), w.spec(map[string]string{"Dockerfile": c.dockerfile}), output, c.progress)
			wantPanicError(t, err, c.at)
		})
	}
	for name, broken := range map[string]fsutil.FS{"the build's context": spiteful{}, "Dockerfile": nil} {
		t.Run(name, func(t *testing.T) {
			if broken == nil {
				files, err := fsutil.NewFS(w.spec(map[string]string{"Dockerfile": "FROM scratch\n"}).Dir)
				if err != nil {
					t.Fatal(err)
				}
				broken = unopened{files}
			}
			ctx, end := panics.WithCancelOnPanic(t.Context())
			defer end(nil)
			_, err := w.builder.run(ctx, client.SolveOpt{Frontend: "dockerfile.v0", LocalMounts: map[string]fsutil.FS{"context": guarded{broken, ctx}, "dockerfile": guarded{broken, ctx}}}, newWatcher(nil))
			if err == nil {
				t.Error("it was built")
			}
			wantPanicError(t, panics.Cause(ctx), name)
		})
	}
}

// TestPanicInTransportToBuildKit panics in the connection to a buildkitd in a cluster, which
// gRPC opens.
func TestPanicInTransportToBuildKit(t *testing.T) {
	k := &Kubernetes{Config: &rest.Config{Host: "http://127.0.0.1:1", Transport: spiteful{}}, Namespace: "team"}
	connected, err := k.connect()
	if err != nil {
		t.Fatal(err)
	}
	b := &Builder{Name: k.name(), dial: k.dialer(connected)}
	s := Spec{Name: "app", Dir: write(t, t.TempDir(), map[string]string{"Dockerfile": "FROM scratch\n"})}
	_, err = b.Build(t.Context(), s, Output{Repository: "registry.test/app"}, nil)
	wantPanicError(t, err, "GET 127.0.0.1:1")
}
