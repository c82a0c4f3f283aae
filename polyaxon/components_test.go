package components_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slipway-ci/slipway/internal/markdown"
	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/check"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/fill"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
	"github.com/slipway-ci/slipway/internal/testenv"
	components "github.com/slipway-ci/slipway/polyaxon"
)

var update = flag.Bool("update", false, "write docs/components.md")

// newOnly are the components that run only on Polyaxon 2.x.
var newOnly = map[string]bool{"tune-matrix": true}

func parse(t *testing.T, name string) *file.File {
	t.Helper()
	text, err := components.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := check.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestComponentsAreDocumented checks that each component and each of its inputs has a
// description, and that docs/components.md has the same text.
func TestComponentsAreDocumented(t *testing.T) {
	var page bytes.Buffer
	page.WriteString("# Components that ship\n\n" +
		"`component: NAME` in a job or a service of slipway.yaml uses one. `slipway component list` lists them, `show NAME`\n" +
		"prints one, and `eject NAME` writes it to `polyaxon/NAME.yml` for you to change. All name the persistent volume by\n" +
		"the guide's connection `fstore-pvc`, for which `volume` in slipway.yaml may put another ([render.md](render.md)). All\n" +
		"run on Polyaxon 1.11.3 and 2.18, except where it is said. The programs are your image's: slipway ships no images.\n\n" +
		"Services ask for no password of their own. The sandbox asks for a key. On a cluster everyone who can reach Polyaxon's\n" +
		"gateway can reach them ([security.md](security.md)).\n\n" +
		"Services are tried with their programs, at the sandbox's address and at the path that Polyaxon's gateway has for\n" +
		"them: JupyterLab 4.6, TensorBoard 2.21, Streamlit 1.67 and uvicorn 0.54 with FastAPI in the tests, MLflow 3.17 and\n" +
		"code-server 4.100 by hand.\n")
	for _, name := range components.Names() {
		f := parse(t, name)
		component, _ := f.Component()
		run, _ := component["run"].(map[string]any)
		description, _ := f.Root()["description"].(string)
		if description == "" {
			t.Errorf("%s has no description", name)
		}
		what := fmt.Sprintf("%s. Kind %s", description, run["kind"])
		if ports, ok := run["ports"].([]any); ok {
			what += fmt.Sprintf(", port %v", ports[0])
		}
		if newOnly[name] {
			what += ", on Polyaxon 2.x only"
		}
		fmt.Fprintf(&page, "\n## %s\n\n%s\n\n", name, markdown.Wrap(what+". Its inputs:", markdown.Columns))
		inputs, _ := component["inputs"].([]any)
		for _, element := range inputs {
			x, _ := element.(map[string]any)
			about, _ := x["description"].(string)
			if about == "" {
				t.Errorf("%s: input %v has no description", name, x["name"])
			}
			value := ""
			switch given := x["value"].(type) {
			case nil:
				if x["isOptional"] != true {
					value = ", required"
				}
			case []any:
				var words []string
				for _, word := range given {
					words = append(words, fmt.Sprint(word))
				}
				value = ", default `[" + strings.Join(words, ", ") + "]`"
			default:
				value = fmt.Sprintf(", default `%v`", given)
			}
			page.WriteString(markdown.Item(fmt.Sprintf("`%s` (%s%s): %s.", x["name"], x["type"], value, about)))
		}
	}
	path := filepath.Join(testenv.Root(t), "docs", "components.md")
	if *update {
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("%s (-update writes it)", diff)
	}
}

// operationOf returns the operation of a component in a job without params.
func operationOf(t *testing.T, name string) *operation.Operation {
	t.Helper()
	o, err := fill.Operation(parse(t, name), fill.Fill{Name: name, Image: "r/i@sha256:" + strings.Repeat("0", 64), Volume: fill.Volume{Claim: "data"}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestComponentsCompile(t *testing.T) {
	for _, name := range components.Names() {
		for _, text := range []string{"1.11.3", "2.18"} {
			version, err := schema.ParseVersion(text)
			if err != nil {
				t.Fatal(err)
			}
			compiled, err := compile.Operation(operationOf(t, name).JSON(), version)
			if err == nil && compiled.Schedule() == "" {
				_, err = compiled.Resolve(compile.Context{Owner: "default", Project: "p", Name: name, UUID: strings.Repeat("0", 32), Namespace: "polyaxon-v1"})
			}
			if err != nil && !(newOnly[name] && text == "1.11.3") {
				t.Errorf("%s on %s: %v", name, text, err)
			}
		}
	}
}

// TestComponentsRunOnPolyaxon submits each component to a real server, whose agent runs
// its command line. The programs on the PATH are stubs.
func TestComponentsRunOnPolyaxon(t *testing.T) {
	host := startServer(t)
	client, err := polyaxon.New(polyaxon.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	const project = "shipped"
	if err := client.EnsureProject(t.Context(), project); err != nil {
		t.Fatal(err)
	}
	for _, name := range components.Names() {
		created, err := client.CreateRun(t.Context(), project, polyaxon.CreateRun{Content: string(operationOf(t, name).JSON()), Name: name})
		if err != nil {
			t.Errorf("%s is not accepted: %v", name, err)
			continue
		}
		run := await(t, client, project, created.UUID)
		if run.Status != polyaxon.Succeeded && run.Status != polyaxon.Running {
			t.Errorf("%s is %s", name, run.Status)
		}
		if !run.Status.Terminal() {
			if err := client.Stop(t.Context(), project, run.UUID); err != nil {
				t.Errorf("stop %s: %v", name, err)
			}
		}
	}
}

// startServer starts a real Polyaxon server whose agent has the stubs on its PATH.
func startServer(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	stub := filepath.Join(bin, "python")
	if out, err := exec.Command("go", "build", "-o", stub, "./testdata/stub").CombinedOutput(); err != nil {
		t.Fatalf("build the stub: %v\n%s", err, out)
	}
	for _, name := range []string{"jupyter", "code-server", "streamlit", "uvicorn", "tensorboard", "mlflow"} {
		if err := os.Link(stub, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	host := testenv.Polyaxon(t)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return host
}

// await waits until a run has ended or, if it is a service or a matrix, is running.
func await(t *testing.T, client *polyaxon.Client, project, uuid string) *polyaxon.Run {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		run, err := client.Run(t.Context(), project, uuid)
		if err != nil && !polyaxon.Temporary(err) {
			t.Fatal(err)
		}
		if err == nil && (run.Status.Terminal() || run.Status == polyaxon.Running && run.Kind != "job") || time.Now().After(deadline) {
			return run
		}
	}
}
