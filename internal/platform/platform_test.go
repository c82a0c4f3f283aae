package platform_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/sandbox/kubernetes"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/tasks/report"
)

// open opens a project with this slipway.yaml. Its .slipway cannot hold a sandbox, so that
// what needs one fails.
func open(t *testing.T, text string) *project.Project {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("slipway.yaml", text)
	write("a.yml", "{version: 1.1, kind: component, inputs: [{name: key, type: str}], run: {kind: job, container: {image: a}}}\n")
	env := &project.Env{Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Lookup: func(string) (string, bool) { return "", false }, Now: time.Now, Transport: http.DefaultTransport, Self: []string{"none"}}
	p, err := project.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	write(".slipway", "")
	return p
}

// kubeconfig starts a cluster with the namespace ml, and returns the path of a kubeconfig.
func kubeconfig(t *testing.T) string {
	t.Helper()
	api, err := kubernetes.New(t.TempDir(), "ml")
	if err != nil {
		t.Fatal(err)
	}
	// The sandbox's cluster has no services. Here there are none, rather than no such kind.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/services") {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"kind": "ServiceList", "apiVersion": "v1", "items": []}`))
			return
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	path := filepath.ToSlash(filepath.Join(t.TempDir(), "kubeconfig"))
	text := "apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: hush}}]\nclusters: [{name: c, cluster: {server: '" + server.URL + "'}}]\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	registryLine = "registry: r.example/x\n"
	polyaxonLine = "polyaxon: {host: 'http://p.example'}\n"
	job          = "jobs: {j: {polyaxonfile: a.yml}}\n"
)

// TestConnect checks which parts are connected for what a command uses, when the sandbox
// is needed, and that each refusal stands at its line of slipway.yaml.
func TestConnect(t *testing.T) {
	t.Parallel()
	config := kubeconfig(t)
	clusterLine := "cluster: {namespace: ml, kubeconfig: {path: '" + config + "'}}\n"
	elsewhere := "cluster: {namespace: mml, kubeconfig: {path: '" + config + "'}}\n"
	const needsSandbox = "the sandbox"
	all := platform.Uses{Images: true, Secrets: true, Runs: true}
	for _, test := range []struct {
		name, config string
		uses         platform.Uses
		want         string // the connected parts, or words of the error
	}{
		{"nothing of the sandbox", job, platform.Uses{}, ""},
		{"nothing of clouds", registryLine + clusterLine + polyaxonLine + job, platform.Uses{}, ""},
		{"images", registryLine + clusterLine + polyaxonLine + job, platform.Uses{Images: true}, "registry"},
		{"secrets", registryLine + clusterLine + polyaxonLine + job, platform.Uses{Secrets: true}, "cluster"},
		{"runs", registryLine + clusterLine + polyaxonLine + job, platform.Uses{Runs: true}, "cluster polyaxon"},
		{"all", registryLine + clusterLine + polyaxonLine + job, all, "registry cluster polyaxon"},
		{"runs without a cluster", polyaxonLine + job, platform.Uses{Runs: true}, "polyaxon"},
		{"images and runs without a cluster", registryLine + polyaxonLine + job, platform.Uses{Images: true, Runs: true}, "registry polyaxon"},
		{"images without the rest", registryLine + job, platform.Uses{Images: true}, "registry"},
		{"images of the sandbox", job, platform.Uses{Images: true}, needsSandbox},
		{"secrets of the sandbox", registryLine + job, platform.Uses{Secrets: true}, needsSandbox},
		{"runs of the sandbox", registryLine + job, platform.Uses{Images: true, Runs: true}, needsSandbox},
		{"a cluster without Polyaxon", registryLine + clusterLine + job, platform.Uses{Runs: true}, "slipway.yaml:3:10: namespace ml of cluster lab has no Polyaxon"},
		{"a typo of the namespace", registryLine + elsewhere + job, platform.Uses{Secrets: true}, "slipway.yaml:3:22: cluster lab has no namespace mml: did you mean ml?"},
		{"the namespace is not checked for runs", registryLine + elsewhere + polyaxonLine + job, platform.Uses{Runs: true}, "cluster polyaxon"},
		{"no kubeconfig", registryLine + "cluster: {namespace: ml, kubeconfig: {path: none}}\n" + job, platform.Uses{Secrets: true}, "slipway.yaml:3:38: read the kubeconfig: "},
		{"no kubeconfig, which runs can do without", "cluster: {namespace: ml, kubeconfig: {path: none}}\n" + polyaxonLine + job, platform.Uses{Runs: true}, "polyaxon"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := open(t, "project: p\n"+test.config)
			to, err := platform.Connect(t.Context(), p, test.uses)
			switch connected := parts(to); {
			case err == nil:
				if connected != test.want {
					t.Errorf("connected %q, want %q", connected, test.want)
				}
			case test.want == needsSandbox && strings.Contains(err.Error(), p.StateDir()):
			case !strings.Contains(err.Error(), test.want):
				t.Errorf("%v, want %s", err, test.want)
			case !errors.As(err, new(*source.Error)):
				t.Errorf("%T has no position", err)
			}
		})
	}
}

func parts(to *platform.Platform) string {
	var connected []string
	if to != nil && to.Registry != nil {
		connected = append(connected, "registry")
	}
	if to != nil && to.Cluster != nil {
		connected = append(connected, "cluster")
	}
	if to != nil && to.Polyaxon != nil {
		connected = append(connected, "polyaxon")
	}
	return strings.Join(connected, " ")
}

// TestNamespace checks that a namespace that does not exist is created only if slipway.yaml
// says so, and then not by connecting.
func TestNamespace(t *testing.T) {
	t.Parallel()
	config := kubeconfig(t)
	p := open(t, "project: p\ncluster: {namespace: new, create-namespace: true, kubeconfig: {path: '"+config+"'}}\n"+job)
	for range 2 {
		to, err := platform.Connect(t.Context(), p, platform.Uses{Secrets: true})
		if err != nil || to.NamespaceToCreate != "new" || to.RunNamespace != "new" {
			t.Fatalf("creates %q in %q: %v", to.NamespaceToCreate, to.RunNamespace, err)
		}
	}
}

// TestSandbox checks that each part that slipway.yaml leaves out is the sandbox's, and what
// depends on that.
func TestSandbox(t *testing.T) {
	t.Parallel()
	running := &sandbox.Sandbox{Registry: "http://127.0.0.1:1", Kubernetes: "http://127.0.0.1:2", Polyaxon: "http://127.0.0.1:3", Namespace: "polyaxon-v1", Platform: "linux/arm64"}
	all := platform.Uses{Images: true, Secrets: true, Runs: true}
	to := platform.New(open(t, "project: p\n"+job))
	to.Sandbox = running
	if err := to.Extend(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if parts(to) != "registry cluster polyaxon" || to.Registry.Prefix != "127.0.0.1:1" || !to.Embedded || to.Rest != nil || to.Pods() != nil {
		t.Errorf("connected %s, registry %s, embedded %v, pods %v", parts(to), to.Registry.Prefix, to.Embedded, to.Pods())
	}
	if want := (v1.Platform{OS: "linux", Architecture: "arm64"}); !to.Target.Equals(want) || to.RunNamespace != "polyaxon-v1" {
		t.Errorf("images are for %v, runs in %s", to.Target, to.RunNamespace)
	}
	outcome := &run.Outcome{Run: polyaxon.Run{UUID: "u"}}
	if at := to.OutputsAt(outcome); at != filepath.Join(to.StateDir(), "artifacts", "u", "outputs") {
		t.Errorf("outputs are at %s", at)
	}
	if o := to.FollowOptions(run.FollowOptions{}); !o.CompleteLive || o.Patience == 0 || o.Cluster != nil {
		t.Errorf("the sandbox is followed with %+v", o)
	}
	if o := sandboxOf(t, "1.11.3", running).FollowOptions(run.FollowOptions{}); o.CompleteLive {
		t.Error("1.11.3 returns only the last lines")
	}

	mixed := platform.New(open(t, "project: p\n"+polyaxonLine+job)) // runs go elsewhere, images to the sandbox
	mixed.Sandbox = running
	if err := mixed.Extend(t.Context(), platform.Uses{Images: true}); err != nil || mixed.Embedded || mixed.Target.String() != "linux/amd64" {
		t.Errorf("embedded %v, images are for %v: %v", mixed.Embedded, mixed.Target, err)
	}
	if at := mixed.OutputsAt(outcome); at != "slipway artifacts u" {
		t.Errorf("outputs are at %s", at)
	}
}

func sandboxOf(t *testing.T, release string, running *sandbox.Sandbox) *platform.Platform {
	t.Helper()
	to := platform.New(open(t, "project: p\nsandbox: {polyaxon: "+release+"}\n"+job))
	to.Sandbox = running
	return to
}

// TestCheckCombination checks which combinations of sandbox and cloud are refused, where
// and in which words.
func TestCheckCombination(t *testing.T) {
	t.Parallel()
	const (
		clusterLine = "cluster: {kubeconfig: {}}\n"
		secrets     = "secrets: {s: {data: {k: 'env:K'}}}\n"
		secretParam = "jobs: {j: {polyaxonfile: a.yml, params: {key: 'secret:env:K'}}}\n"
		mlflow      = "mlflow: {tracking-uri: 'http://m.example', password: 'env:M'}\n"
	)
	for _, test := range []struct {
		config string
		uses   string
		want   string
	}{
		{job + secrets, "images secrets runs", ""},
		{clusterLine + job, "images runs", "2:10: runs in the cluster cannot pull from the sandbox's registry (set registry, or leave cluster out to use the sandbox)"},
		{clusterLine + job, "secrets runs", ""},
		{registryLine + clusterLine + job, "images secrets runs", ""},
		{polyaxonLine + job, "images", "2:11: runs on http://p.example cannot pull from the sandbox's registry (set registry, or leave polyaxon out to use the sandbox)"},
		{polyaxonLine + job, "runs", ""},
		{polyaxonLine + job, "secrets runs", ""},
		{polyaxonLine + secrets + job, "secrets", "3:10: runs on http://p.example cannot see the sandbox's secrets (set cluster, or leave polyaxon out to use the sandbox)"},
		{polyaxonLine + secretParam, "secrets", "3:47: runs on http://p.example cannot see the sandbox's secrets"},
		{polyaxonLine + mlflow + job, "secrets", "3:54: runs on http://p.example cannot see the sandbox's secrets"},
		{polyaxonLine + secrets + job, "runs", ""},
		{polyaxonLine + clusterLine + secrets + job, "secrets runs", ""},
		{registryLine + polyaxonLine + secrets + job, "images", ""},
		{registryLine + polyaxonLine + secrets + job, "images secrets", "4:10: runs on http://p.example cannot see the sandbox's secrets"},
	} {
		p := open(t, "project: p\n"+test.config)
		err := platform.New(p).CheckCombination(platform.Uses{
			Images: strings.Contains(test.uses, "images"), Secrets: strings.Contains(test.uses, "secrets"), Runs: strings.Contains(test.uses, "runs"),
		})
		if test.want == "" {
			if err != nil {
				t.Errorf("%s for\n%s is %v", test.uses, test.config, err)
			}
			continue
		}
		if refused := new(source.Error); !errors.As(err, &refused) || !strings.Contains(err.Error(), "slipway.yaml:"+test.want) {
			t.Errorf("%s for\n%s is %v\nwant %s", test.uses, test.config, err, test.want)
		}
	}
}

// TestServerVersionEnds checks that a server that does not respond does not hold a command
// up: the caller's context ends the question.
func TestServerVersionEnds(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	p := open(t, "project: p\npolyaxon: {host: '"+server.URL+"'}\n"+job)
	if v, err := platform.ServerVersion(ctx, p); err == nil || !v.Any() {
		t.Errorf("version %s, %v", v, err)
	}
}

// learned are the values that were masked.
type learned struct {
	mu    sync.Mutex
	texts []string
}

func (l *learned) Learn(value []byte, sure bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sure {
		l.texts = append(l.texts, string(value))
	}
}

func (l *learned) Public(...string) {}

// TestCredentialsAreMasked checks that the password and the tokens of a registry are masked
// when they are read, and that anonymous access masks nothing.
func TestCredentialsAreMasked(t *testing.T) {
	docker := t.TempDir()
	t.Setenv("DOCKER_CONFIG", docker)
	if err := os.WriteFile(filepath.Join(docker, "config.json"), []byte(`{"auths": {"r.example": {"username": "u", "password": "hush-hush"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string][]string{"r.example": {"hush-hush"}, "other.example": nil} {
		p, masked := open(t, "project: p\n"+registryLine+job), &learned{}
		p.Env.Secrets = masked
		to, err := platform.Connect(t.Context(), p, platform.Uses{Images: true})
		if err != nil {
			t.Fatal(err)
		}
		registry, err := name.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		found, err := to.Registry.Keychain.Resolve(registry)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := found.Authorization(); err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(masked.texts, func(text string) bool { return text == "" })
		if !slices.Equal(got, want) {
			t.Errorf("%s: masked %q, want %q", host, got, want)
		}
	}
}

type events func(report.Event)

func (e events) Event(one report.Event) { e(one) }

// TestWaitingIsNotedSeldom checks that many requests that wait make one note in ten seconds.
func TestWaitingIsNotedSeldom(t *testing.T) {
	t.Parallel()
	p := open(t, "project: p\n"+registryLine+job)
	now, notes := time.Now(), []string{}
	p.Now = func() time.Time { return now }
	p.Events = project.NewRecorder(events(func(e report.Event) { notes = append(notes, e.Message) }), p.Now)
	to, err := platform.Connect(t.Context(), p, platform.Uses{Images: true})
	if err != nil {
		t.Fatal(err)
	}
	for n, after := range []time.Duration{0, time.Second, 8 * time.Second, time.Second, time.Second} { // the fourth after 10 s
		now = now.Add(after)
		to.Registry.OnWait(strconv.Itoa(n))
	}
	if !slices.Equal(notes, []string{"0", "3"}) {
		t.Errorf("noted %q", notes)
	}
}
