package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"k8s.io/client-go/rest"

	"github.com/slipway-ci/slipway/internal/actions"
	"github.com/slipway-ci/slipway/internal/artifact"
	"github.com/slipway-ci/slipway/internal/attestation"
	"github.com/slipway-ci/slipway/internal/build"
	"github.com/slipway-ci/slipway/internal/checker"
	"github.com/slipway-ci/slipway/internal/clock"
	"github.com/slipway-ci/slipway/internal/cluster"
	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/dashboard"
	"github.com/slipway-ci/slipway/internal/debian"
	"github.com/slipway-ci/slipway/internal/deploy"
	"github.com/slipway-ci/slipway/internal/dockerfile"
	"github.com/slipway-ci/slipway/internal/doctor"
	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/image"
	"github.com/slipway-ci/slipway/internal/job"
	"github.com/slipway-ci/slipway/internal/kubeconfig"
	"github.com/slipway-ci/slipway/internal/manifest"
	"github.com/slipway-ci/slipway/internal/mlflow"
	"github.com/slipway-ci/slipway/internal/panics"
	"github.com/slipway-ci/slipway/internal/pipeline"
	"github.com/slipway-ci/slipway/internal/platform"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compose"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/converter"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/edit"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/matrix"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/python"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/shape"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/template"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/yaml11"
	"github.com/slipway-ci/slipway/internal/printer"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/registry"
	"github.com/slipway-ci/slipway/internal/revision"
	"github.com/slipway-ci/slipway/internal/rollout"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/run"
	"github.com/slipway-ci/slipway/internal/runs"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/scaffold"
	"github.com/slipway-ci/slipway/internal/secret"
	"github.com/slipway-ci/slipway/internal/service"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/status"
	"github.com/slipway-ci/slipway/internal/storage"
	"github.com/slipway-ci/slipway/internal/survey"
	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/internal/timeouts"
	"github.com/slipway-ci/slipway/internal/transfer"
	"github.com/slipway-ci/slipway/internal/volume"
	"github.com/slipway-ci/slipway/internal/wheel"
	"github.com/slipway-ci/slipway/tasks"
	"github.com/slipway-ci/slipway/tasks/cli"
	"github.com/slipway-ci/slipway/tasks/exit"
	"github.com/slipway-ci/slipway/tasks/report"
)

// provocations maps each package of docs/architecture.md to a function that makes it panic
// through something passed to it. Packages that are passed nothing that can panic have no
// entry.
var provocations = map[string]func(ctx context.Context, dir string) error{
	"internal/actions": func(context.Context, string) error {
		commands, _ := actions.New(panickingWriter{}, strings.ToUpper, func(string) (string, bool) { return "true", true })
		commands.Group("train")
		return nil
	},
	"internal/attestation": func(context.Context, string) error {
		_, err := attestation.Provenance(attestation.Image{Parameters: map[string]any{"epochs": panickingValue{}}})
		return err
	},
	"internal/clock": func(ctx context.Context, _ string) error {
		return clock.Sleep(panickingContext{ctx, "Done"}, time.Nanosecond)
	},
	"internal/cluster": func(ctx context.Context, _ string) error {
		c, err := cluster.Connect(&rest.Config{Host: "http://127.0.0.1:1", Transport: panickingTransport}, "team", "test")
		if err != nil {
			return err
		}
		return c.CheckNamespace(ctx)
	},
	"internal/config": func(_ context.Context, dir string) error {
		_, err := config.Load(filepath.Join(dir, "slipway.yaml"), config.Options{Lookup: unreadable})
		return err
	},
	"internal/doctor": func(ctx context.Context, dir string) error {
		_, err := doctor.Run(panickingContext{ctx, "Deadline"}, &project.Project{Config: &config.Config{Dir: dir}}, time.Second)
		return err
	},
	"internal/dockerfile": func(ctx context.Context, dir string) error {
		_, err := dockerfile.Read(panickingContext{ctx, "Err"}, dockerfile.Spec{Name: "job", Dir: dir, Platforms: []string{"linux/amd64"}})
		return err
	},
	"internal/image": func(ctx context.Context, dir string) error {
		_, err := image.Prepare(ctx, image.Spec{Name: "job", Dir: dir, Kind: image.KindFiles, Files: []string{"good.yml"}, PositionOf: func(string) (none source.Position) {
			fault()
			return none
		}}, nil)
		return err
	},
	"internal/kubeconfig": func(context.Context, string) error {
		kubeconfig.Files("", unreadable)
		return nil
	},
	"internal/manifest": func(_ context.Context, dir string) error {
		if err := os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte("kind: ${KIND}\n"), 0o600); err != nil {
			return err
		}
		_, err := manifest.Read(&config.Config{Dir: dir, Manifests: []string{"manifest.yml"}}, "", unreadable)
		return err
	},
	"internal/scaffold": func(ctx context.Context, dir string) error {
		r := &survey.Repository{Dir: dir, Programs: []survey.Program{{}}}
		_, err := scaffold.New(ctx, r, scaffold.Options{}, func(context.Context, report.Question) (string, error) { return fault(), nil })
		return err
	},
	"internal/survey": func(ctx context.Context, dir string) error {
		_, err := survey.Read(panickingContext{ctx, "Err"}, dir, nil)
		return err
	},
	"internal/panics": func(context.Context, string) error {
		var group panics.Group
		group.Go(func() error { fault(); return nil })
		return group.Wait()
	},
	"internal/polyaxon": func(ctx context.Context, _ string) error {
		c, err := client()
		if err != nil {
			return err
		}
		_, err = c.Projects(ctx)
		return err
	},
	"internal/polyaxonfile/check": func(context.Context, string) error {
		return file.Errors(check.Validate(nil, schema.Newest()))
	},
	"internal/polyaxonfile/compile": func(context.Context, string) error {
		var none *compile.Compiled
		none.JSON()
		return nil
	},
	"internal/polyaxonfile/compose": func(context.Context, string) error {
		var none *compose.Composer
		_, err := none.Compose(nil)
		return err
	},
	"internal/polyaxonfile/file": func(ctx context.Context, dir string) error {
		_, problems := file.Reader{Transport: panickingTransport}.Load(ctx, filepath.Join(dir, "ref.yml"))
		return file.Errors(problems)
	},
	"internal/polyaxonfile/fill": func(context.Context, string) error {
		_, err := fill.Operation(nil, fill.Fill{})
		return err
	},
	"internal/polyaxonfile/lint": func(ctx context.Context, dir string) error {
		f, err := check.Read(ctx, file.Reader{}, filepath.Join(dir, "good.yml"))
		if err != nil {
			return err
		}
		lint.Check(ctx, f, lint.Options{Cluster: panickingInventory{}})
		return nil
	},
	"internal/polyaxonfile/matrix": func(context.Context, string) error {
		_, err := matrix.Expand(nil)
		return err
	},
	"internal/polyaxonfile/operation": func(context.Context, string) error {
		var none *operation.Operation
		none.JSON()
		return nil
	},
	"internal/polyaxonfile/shape": func(context.Context, string) error {
		var none *shape.Shaper
		_, err := none.Object(nil, nil)
		return err
	},
	"internal/polyaxonfile/types": func(context.Context, string) error {
		var none *python.Dict
		return types.Check(map[string]any{"name": "epochs", "type": "str"}, none, schema.Newest())
	},
	"internal/polyaxonfile/converter": func(context.Context, string) error {
		var none *python.Dict
		converter.Text(none, schema.Newest())
		return nil
	},
	"internal/polyaxonfile/edit": func(context.Context, string) error {
		edit.Diff([]int{1}, []int{1}) // comparing slices with == panics
		return nil
	},
	"internal/polyaxonfile/template": func(context.Context, string) error {
		var none *python.Dict
		_, err := template.Render("{{ epochs }}", map[string]any{"epochs": none})
		return err
	},
	"internal/polyaxonfile/python": func(context.Context, string) error {
		var none *python.Dict
		none.Keys()
		return nil
	},
	"internal/polyaxonfile/schema": func(context.Context, string) error {
		var none *schema.Object
		none.Keys(schema.Newest())
		return nil
	},
	"internal/polyaxonfile/yaml11": func(context.Context, string) error {
		yaml11.Scalar(nil)
		return nil
	},
	"internal/debian": func(ctx context.Context, _ string) error {
		f := &debian.Fetcher{Watch: func(http.RoundTripper) http.RoundTripper { return panickingTransport }, Now: time.Now}
		return f.Download(ctx, &debian.Base{}, []*debian.Package{{Name: "libgl1", URL: "https://debian.test/libgl1.deb", Size: 1, SHA256: strings.Repeat("0", 64)}}, nil)
	},
	"internal/registry": func(ctx context.Context, _ string) error {
		_, err := (&registry.Client{Prefix: "registry.test/team", Transport: panickingTransport}).List(ctx, []string{"job", "other"})
		return err
	},
	"internal/mlflow": func(ctx context.Context, _ string) error {
		_, _, err := (&mlflow.Client{Address: "https://mlflow.test", Transport: panickingTransport}).Runs(ctx, map[string]string{"slipway.run": "abc"}, 1)
		return err
	},
	"internal/google": func(ctx context.Context, _ string) error {
		found, err := google.Find(ctx, google.Options{
			Federation: &google.Federation{Provider: "projects/1/locations/global/workloadIdentityPools/ci/providers/github"},
			Lookup: func(name string) (string, bool) {
				return "https://github.test", strings.HasPrefix(name, "ACTIONS_")
			}, Transport: panickingTransport,
		})
		if err != nil {
			return err
		}
		_, err = found.Token(ctx)
		return err
	},
	"internal/printer": func(context.Context, string) error {
		printer.Lines(panickingWriter{}, printer.Style{Now: time.Now}).Event(report.Event{Kind: report.Note, Message: "it goes on"})
		return nil
	},
	"tasks/report": func(context.Context, string) error {
		var none *report.Job
		none.Rank(nil)
		return nil
	},
	"internal/revision": func(ctx context.Context, dir string) error {
		_, err := revision.Read(panickingContext{ctx, "Deadline"}, dir, os.Environ(), revision.Unused{})
		return err
	},
	"internal/rootfs": func(context.Context, string) error {
		_, err := rootfs.Read(panickingValue{})
		return err
	},
	"internal/rollout": func(ctx context.Context, _ string) error {
		return rollout.Wait(ctx, nil, nil, rollout.Options{Now: func() (none time.Time) { fault(); return none }})
	},
	"internal/run": func(ctx context.Context, _ string) error {
		c, err := client()
		if err != nil {
			return err
		}
		_, err = run.Follow(ctx, c, run.Target{Project: "p", UUID: "u"}, run.FollowOptions{}, nil)
		return err
	},
	"internal/sandbox": func(ctx context.Context, dir string) error {
		_, err := sandbox.Join(ctx, sandbox.Options{Dir: filepath.Join(dir, ".slipway", "sandbox"), Self: []string{"nothing"}, Lookup: unreadable})
		return err
	},
	"internal/secret": func(ctx context.Context, dir string) error {
		_, err := (&secret.Resolver{Dir: dir, Lookup: unreadable}).Resolve(ctx, secret.Source{Scheme: "env", Name: "TOKEN"})
		return err
	},
	"internal/storage": func(ctx context.Context, _ string) error {
		_, err := (&storage.Client{Address: "https://storage.test", Transport: panickingTransport}).Buckets(ctx)
		return err
	},
	"internal/transfer": func(ctx context.Context, dir string) error {
		_, err := transfer.Copy(ctx, transfer.Options{
			From: transfer.Place{Dir: filepath.Join(dir, "good.yml")}, To: transfer.Place{Bucket: "data", Prefix: "good.yml"},
			Client: &storage.Client{Address: "https://storage.test", Transport: panickingTransport}, CacheDir: filepath.Join(dir, "cache"),
		})
		return err
	},
	"internal/timeouts": func(ctx context.Context, _ string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:1", nil)
		if err != nil {
			return err
		}
		response, err := timeouts.Transport(panickingTransport, timeouts.Limits{Response: time.Minute}).RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	},
	"internal/source": func(context.Context, string) error {
		return errors.Join(source.Flatten(panickingValue{})...)
	},
	"internal/build": func(ctx context.Context, dir string) error {
		p := opened(dir)
		p.Events = project.NewRecorder(panickingSink{}, time.Now)
		to := platform.New(p)
		to.Registry = &registry.Client{Prefix: "127.0.0.1:1/none", Transport: http.DefaultTransport, NameOptions: []name.Option{name.Insecure}}
		_, err := build.Push(ctx, to, []*config.Image{{Name: "job", Files: []string{"good.yml"}}})
		return err
	},
	"internal/checker": func(ctx context.Context, dir string) error {
		c := &checker.Checker{Env: opened(dir).Env, Versions: []schema.Version{schema.Newest()}, Cluster: panickingInventory{}}
		targets, err := c.Targets([]string{"good.yml"})
		if err != nil {
			return err
		}
		_, broken, err := c.CheckAll(ctx, targets)
		return errors.Join(broken, err)
	},
	"internal/dashboard": func(ctx context.Context, dir string) (err error) {
		to := platform.New(opened(dir))
		to.Config.Services = map[string]*config.Job{"api": {Name: "api"}}
		to.Config.Polyaxon = &config.Polyaxon{Host: "http://127.0.0.1:1"}
		_, err = dashboard.Open(ctx, to, []string{"api"}, 0)
		return err
	},
	"internal/deploy": func(ctx context.Context, dir string) (err error) {
		d := &deploy.Deployment{Platform: platform.New(opened(dir)), Jobs: []*config.Job{{Name: "train"}}}
		if d.Polyaxon, err = client(); err != nil {
			return err
		}
		return d.Apply(ctx, &report.Result{})
	},
	"internal/job": func(ctx context.Context, dir string) error {
		_, err := job.File(ctx, opened(dir), &config.Job{Name: "train", Polyaxonfile: "ref.yml"})
		return err
	},
	"internal/pipeline": func(ctx context.Context, dir string) (err error) {
		p := &pipeline.Pipeline{Platform: platform.New(opened(dir))}
		if p.Polyaxon, err = client(); err != nil {
			return err
		}
		_, err = p.Run(ctx, []*config.Job{{Name: "train", Polyaxonfile: "ref.yml"}})
		return err
	},
	"internal/platform": func(ctx context.Context, dir string) error {
		p := opened(dir)
		p.Config.Polyaxon = &config.Polyaxon{Host: "http://127.0.0.1:1"}
		_, err := platform.ServerVersion(ctx, p)
		return err
	},
	"internal/project": func(ctx context.Context, dir string) error {
		_, err := project.Open(ctx, &project.Env{Dir: dir, Lookup: unreadable})
		return err
	},
	"internal/artifact": func(ctx context.Context, dir string) error {
		client := &storage.Client{Address: "https://storage.test", Transport: panickingTransport}
		_, err := artifact.New(platform.New(opened(dir)), client, transfer.Place{Bucket: "data"}).Manifest(ctx, "train", "abc")
		return err
	},
	"internal/runs": func(ctx context.Context, dir string) (err error) {
		to := platform.New(opened(dir))
		if to.Polyaxon, err = client(); err != nil {
			return err
		}
		_, err = runs.List(ctx, to, runs.Query{Limit: 1})
		return err
	},
	"internal/service": func(ctx context.Context, dir string) (err error) {
		s := &service.Service{Platform: platform.New(opened(dir)), Job: &config.Job{Name: "api"}}
		if s.Polyaxon, err = client(); err != nil {
			return err
		}
		_, err = s.Alive(ctx)
		return err
	},
	"internal/status": func(ctx context.Context, dir string) (err error) {
		p := opened(dir)
		p.Config.Polyaxon = &config.Polyaxon{Host: "http://127.0.0.1:1"}
		to := platform.New(p)
		if to.Cluster, err = cluster.Connect(&rest.Config{Host: "http://127.0.0.1:1", Transport: panickingTransport}, "team", "test"); err != nil {
			return err
		}
		_, _, err = status.Look(ctx, to)
		return err
	},
	"internal/volume": func(ctx context.Context, _ string) error {
		c, err := cluster.Connect(&rest.Config{Host: "http://127.0.0.1:1", Transport: panickingTransport}, "team", "test")
		if err != nil {
			return err
		}
		_, err = volume.Open(ctx, c, volume.Options{Claim: "data"})
		return err
	},
	"tasks/exit": func(context.Context, string) error {
		return &exit.UsageError{Message: strconv.Itoa(exit.Code(panickingValue{}))}
	},
	"internal/wheel": func(ctx context.Context, dir string) error {
		_, err := wheel.Resolve(ctx, wheel.Spec{Name: "job", Dir: dir, Lock: "lock.txt", Python: "3.12", CacheDir: filepath.Join(dir, "cache"),
			Environ: []string{"PIP_CONFIG_FILE=" + os.DevNull, "PIP_INDEX_URL=http://127.0.0.1:1/simple"},
			Watch:   func(http.RoundTripper) http.RoundTripper { return panickingTransport }})
		return err
	},
}

// namedIn maps packages to the file or the step that their faults name.
var namedIn = map[string]string{
	"internal/cluster": "GET 127.0.0.1:1: ",
	"internal/volume":  "POST 127.0.0.1:1: ",
	"internal/config":  "slipway.yaml: ",
	"internal/secret":  "the secret env:TOKEN: ",
}

// testedElsewhere maps packages to the test that makes each of their parts panic, or to ""
// if they are passed nothing that can panic.
var testedElsewhere = map[string]string{
	"cmd/slipway":                 "TestPanicOfEveryCommand",
	"internal/command":            "TestPanicOfEveryCommand",
	"tasks/cli":                   "TestFaults",
	"tasks/mage":                  "", // each target calls tasks/cli
	"tasks":                       "TestFaults, TestPanicAtEveryRequest",
	"internal/gate":               "TestPanicsOfTheProxy",
	"internal/github":             "", // it runs after the command, in its goroutine
	"internal/admission":          "",
	"internal/advice":             "",
	"internal/atomicfile":         "",
	"internal/bounded":            "",
	"internal/contextio":          "",
	"internal/scheme":             "",
	"internal/preflight":          "",
	"internal/release":            "", // for development
	"internal/relay":              "TestFailures",
	"internal/exclusion":          "",
	"internal/logline":            "",
	"internal/metrics":            "",
	"internal/markdown":           "",
	"internal/lazyregexp":         "",
	"internal/blobcache":          "",
	"internal/layout":             "",
	"internal/lock":               "",
	"internal/browser":            "",
	"internal/machine":            "",
	"internal/polyaxonfile/plain": "",
	"internal/state":              "",
	"internal/source/syntax":      "",
	"polyaxon":                    "",
	"workflows":                   "",
	"examples/quickstart":         "", // a separate program
}

// panickingTransport is a transport that panics.
var panickingTransport = carrier(func(*http.Request) (*http.Response, error) { fault(); return nil, nil })

// unreadable is an environment that panics.
func unreadable(string) (string, bool) { return fault(), true }

// opened returns a project in dir without reading its files.
func opened(dir string) *project.Project {
	return &project.Project{
		Env:    &project.Env{Dir: dir, Events: project.NewRecorder(report.Discard{}, time.Now), Transport: panickingTransport, Now: time.Now, Lookup: func(string) (string, bool) { return "", false }},
		Config: &config.Config{Project: "p", Dir: dir}, Public: panickingTransport, FileCache: file.NewCache(), Revision: func() revision.Revision { return revision.Revision{} },
	}
}

// panickingSink is a sink that panics.
type panickingSink struct{}

func (panickingSink) Event(report.Event) { fault() }

// client returns a client whose requests panic.
func client() (*polyaxon.Client, error) {
	return polyaxon.New(polyaxon.Options{Host: "http://127.0.0.1:1", Transport: panickingTransport})
}

// panickingValue panics when it is marshaled, read from, or inspected as an error.
type panickingValue struct{}

func (panickingValue) MarshalJSON() ([]byte, error) { return []byte(fault()), nil }
func (panickingValue) Read([]byte) (int, error)     { return len(fault()), io.EOF }
func (panickingValue) Error() string                { return "an error" }
func (panickingValue) As(any) bool                  { return fault() == "" }

// panickingInventory is an inventory of a cluster that panics.
type panickingInventory struct{ lint.Inventory }

func (panickingInventory) Has(context.Context, lint.Kind, string) bool { return fault() == "" }
func (panickingInventory) Names(context.Context, lint.Kind) []string   { return []string{fault()} }

// panickingContext is a context that panics in one of its methods.
type panickingContext struct {
	context.Context
	method string
}

func (b panickingContext) Done() <-chan struct{} { b.of("Done"); return b.Context.Done() }
func (b panickingContext) Err() error            { b.of("Err"); return b.Context.Err() }

func (b panickingContext) Deadline() (time.Time, bool) { b.of("Deadline"); return b.Context.Deadline() }

func (b panickingContext) of(method string) {
	if b.method == method {
		fault()
	}
}

// TestPanicInEachPackage makes each package panic, also in its own goroutines. The command must
// exit with 3 and say where the fault is and how to report it. A new package needs an entry
// in within or elsewhere.
func TestPanicInEachPackage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"slipway.yaml": "project: \"${NAME}\"\n",
		"ref.yml":      "version: 1.1\nkind: operation\nurlRef: https://example.com/component.yml\n",
		"good.yml":     "version: 1.1\nkind: component\nrun: {kind: job, container: {image: \"busybox:1\", envFrom: [{secretRef: {name: token}}]}}\n",
		"Dockerfile":   "FROM scratch\nCOPY good.yml /\n",
		"lock.txt":     "numpy==2.0.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packages := testenv.Packages(t)
	for pkg := range packages {
		if _, told := testedElsewhere[pkg]; !told && provocations[pkg] == nil {
			t.Errorf("nothing provokes a panic in %s", pkg)
		}
	}
	for pkg, provoke := range provocations {
		if _, is := packages[pkg]; !is {
			t.Errorf("docs/architecture.md has no room %s", pkg)
		}
		t.Run(pkg, func(t *testing.T) { checkPanic(t, dir, pkg, provoke) })
	}
	t.Run("given nothing", func(t *testing.T) {
		checkPanic(t, dir, "tasks/cli", func(context.Context, string) error { fault(); return nil })
	})
}

// checkPanic runs a command that panics in a package, and checks how it ends.
func checkPanic(t *testing.T, dir, pkg string, provoke func(context.Context, string) error) {
	var told bytes.Buffer
	d := cli.Open()
	d.Dir, d.Stdout, d.Stderr = dir, io.Discard, &told
	err := d.Run(t.Context(), func(ctx context.Context, env *tasks.Env) (*report.Result, error) {
		return nil, provoke(ctx, dir)
	})
	ended, found := new(cli.ExitError), new(panics.Error)
	if !errors.As(err, &ended) || ended.Code != tasks.ExitStep || !errors.As(err, &found) {
		t.Fatalf("it ended with %v: %s", err, told.String())
	}
	if !strings.Contains(found.Stack, "/"+pkg+"/") {
		t.Errorf("the panic was not in %s:\n%s", pkg, found.Stack)
	}
	for _, want := range []string{namedIn[pkg] + "this is a bug in slipway (panic: ", "please report it at https://", ".go:"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, told.String())
		}
	}
}
