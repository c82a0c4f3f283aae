package panics

import (
	"go/ast"
	"go/token"
	"regexp"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// exempt matches sources that are not part of slipway as it is released, and this
// package.
var exempt = regexp.MustCompile(`/(devtools|panics|polyaxontest|clustertest)/|^mage\.go$|^magefile\.go$|^examples/`)

// sources calls visit for each node of slipway's sources.
func sources(t *testing.T, visit func(path string, at token.Position, n ast.Node)) {
	t.Helper()
	all, set := testenv.Sources(t)
	if len(all) < 200 {
		t.Errorf("only %d sources are found", len(all))
	}
	for _, file := range all {
		if exempt.MatchString(file.Path) {
			continue
		}
		ast.Inspect(file.File, func(n ast.Node) bool {
			if n != nil {
				visit(file.Path, set.Position(n.Pos()), n)
			}
			return true
		})
	}
}

// TestGoroutinesStartThroughPanics checks that no goroutine is started whose panic
// would end the process or be lost.
func TestGoroutinesStartThroughPanics(t *testing.T) {
	sources(t, func(_ string, at token.Position, n ast.Node) {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a go statement: panics.Go has its panic told", at)
		case *ast.CompositeLit:
			if kind, ok := n.Type.(*ast.SelectorExpr); ok && kind.Sel.Name == "Server" && !recovers(n) {
				t.Errorf("%s: a server of HTTP whose handler is none of panics.Handler", at)
			}
		case *ast.SelectorExpr:
			if name, ok := n.X.(*ast.Ident); ok && (name.Name == "sync" && n.Sel.Name == "WaitGroup" || name.Name == "errgroup") {
				t.Errorf("%s: %s.%s: package panics has one that keeps panics", at, name.Name, n.Sel.Name)
			}
		}
	})
}

// timed lists the sources that have a function called by a timer or at the end of a
// context, in a goroutine of its own, and why its panic is not lost.
var timed = map[string]string{
	"internal/dockerfile/docker.go":          "it closes a connection",
	"internal/polyaxon/response.go":          "it ends a context",
	"internal/printer/lines.go":              "it keeps its fault for the next event",
	"internal/run/follow.go":                 "who calls it keeps its fault",
	"internal/run/submit.go":                 "it waits and ends a context",
	"internal/sandbox/container/process.go":  "it sends a signal",
	"internal/secret/scheme.go":              "it sets a deadline",
	"internal/timeouts/timeouts.go":          "it ends a context",
	"internal/cluster/upgrade.go":            "it closes a connection",
	"internal/relay/relay.go":                "it closes connections",
	"internal/sandbox/kubernetes/forward.go": "it closes a connection",
	"internal/pipeline/pending.go":           "it ends a context",
	"internal/platform/polyaxon.go":          "as internal/run/follow.go",
}

// TestTimersHandlePanics checks that no timer calls a function whose panic would
// end the process, except for those in timed.
func TestTimersHandlePanics(t *testing.T) {
	met := map[string]bool{}
	sources(t, func(path string, at token.Position, n ast.Node) {
		if n, ok := n.(*ast.SelectorExpr); ok && n.Sel.Name == "AfterFunc" {
			if name, ok := n.X.(*ast.Ident); ok && (name.Name == "time" || name.Name == "context") {
				if met[path] = true; timed[path] == "" {
					t.Errorf("%s: %s.AfterFunc: say what becomes of a panic", at, name.Name)
				}
			}
		}
	})
	for path := range timed {
		if !met[path] {
			t.Errorf("%s has a function called later no more", path)
		}
	}
}

// recovers reports whether a server's handler is made by panics.Handler.
func recovers(server *ast.CompositeLit) bool {
	for _, element := range server.Elts {
		field, ok := element.(*ast.KeyValueExpr)
		if !ok || field.Key.(*ast.Ident).Name != "Handler" {
			continue
		}
		call, ok := field.Value.(*ast.CallExpr)
		if !ok {
			return false
		}
		made, ok := call.Fun.(*ast.SelectorExpr)
		return ok && made.Sel.Name == "Handler"
	}
	return false
}

// bounded lists the sources that bound their waits in a way that TestWaitsHaveTimeouts
// cannot see.
var bounded = map[string]string{
	"internal/sandbox/join.go exec.Command":           "the sandbox outlives the command; its beginning has a limit",
	"internal/browser/browser.go exec.Command":        "the browser outlives the command; it is watched for 2 s",
	"internal/wheel/process_windows.go exec.Command":  "taskkill",
	"internal/sandbox/sandbox.go http.Client":         "ask's context has a limit",
	"internal/polyaxonfile/file/fetch.go http.Client": "request's context has a limit",
	"internal/registry/wire.go http.Client":           "its transport has those of package timeouts",
	"internal/polyaxon/client.go http.Client":         "each request has a limit",
	"internal/wheel/remote.go http.Client":            "its transport has those of package timeouts",
	"internal/debian/fetch.go http.Client":            "its transport has those of package timeouts",
	"internal/debian/repository.go http.Client":       "the client of fetch.go",
	"internal/google/client.go http.Client":           "its transport has those of package timeouts",
	"internal/google/credentials.go http.Client":      "its transport has those of package timeouts",
	"internal/google/exchange.go http.Client":         "its transport has those of package timeouts",
	"internal/google/metadata.go http.Client":         "its transport has those of package timeouts",
	"internal/doctor/mlflow.go http.Client":           "its context has a limit",
	"internal/cluster/clients.go http.Client":         "its transport has those of package timeouts",
	"internal/cluster/cluster.go http.Client":         "the client of clients.go",
	"internal/cluster/plugin.go http.Client":          "the client of clients.go",
	"internal/gate/gate.go http.Server":               "ReadHeaderTimeout",
	"internal/sandbox/serve.go http.Server":           "ReadHeaderTimeout",
}

// TestWaitsHaveTimeouts checks that nothing is waited for without a limit: each program
// ends with a context, and each HTTP client and connection has a timeout, except for
// those in bounded.
func TestWaitsHaveTimeouts(t *testing.T) {
	refused := map[string]bool{
		"exec.Command": true, "http.Client": true, "http.Server": true, "http.DefaultClient": true, "http.Get": true, "http.Post": true, "http.Head": true, "http.PostForm": true,
		"net.Dial": true, "tls.Dial": true, "http.ListenAndServe": true,
	}
	met := map[string]bool{}
	sources(t, func(path string, at token.Position, n ast.Node) {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			name, ok := n.X.(*ast.Ident)
			if !ok || !refused[name.Name+"."+n.Sel.Name] {
				return
			}
			what := path + " " + name.Name + "." + n.Sel.Name
			if met[what] = true; bounded[what] == "" {
				t.Errorf("%s: %s.%s: say how long it is waited for", at, name.Name, n.Sel.Name)
			}
		case *ast.CompositeLit:
			if kind, ok := n.Type.(*ast.SelectorExpr); ok && kind.Sel.Name == "Dialer" && len(n.Elts) == 0 {
				t.Errorf("%s: a net.Dialer without a Timeout", at)
			}
		}
	})
	for what := range bounded {
		if !met[what] {
			t.Errorf("%s is not there any more", what)
		}
	}
}
