package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestServing executes docs/serving.md with the real FastAPI and uvicorn, in the sandbox: the served
// prediction names the run that made the model.
func TestServing(t *testing.T) {
	t.Parallel()
	if !testenv.Thorough() {
		t.Skip("CI starts FastAPI; the story serve has the same road with a small program")
	}
	packages, base := testenv.Services(t), testenv.PythonBase(t)
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "serving.md"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(page), "\n## ")
	files := blocksOf(t, first, "slipway.yaml", "train.py", "main.py")
	stage := &programStage{dir: t.TempDir()}
	stage.slipway = filepath.Join(stage.dir, ".bin", "slipway")
	t.Cleanup(func() { stopSandboxes(t, stage.dir) })
	const site = "/polyaxon-v1-data/site-packages"
	// The page builds the image of a lock. Here its packages are on the volume.
	image := regexp.MustCompile(`(?s)images:\n.*?\n([a-z])`).FindStringSubmatchIndex(files["slipway.yaml"])
	if image == nil {
		t.Fatal("slipway.yaml of the page has no images")
	}
	files["slipway.yaml"] = files["slipway.yaml"][:image[0]] + "images:\n  python:\n    files: [usr/, bin, lib, lib64, train.py, main.py]\n    workdir: /\n" +
		"    env: {HOME: /tmp, PATH: /usr/local/bin:/usr/bin, PYTHONPATH: " + site + ", PYTHONDONTWRITEBYTECODE: '1'}\n" + files["slipway.yaml"][image[2]:]
	files["usr/local/bin/python"] = "#!/bin/sh\nexec python3 \"$@\"\n"
	files["usr/local/bin/uvicorn"] = "#!/bin/sh\nexec python3 -m uvicorn \"$@\"\n"
	for name, text := range files {
		mustWrite(t, filepath.Join(stage.dir, name), text, 0o755)
	}
	unpackPython(t, base, stage.dir)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", stage.slipway, ".").CombinedOutput(); err != nil {
		t.Fatalf("build slipway: %v\n%s", err, out)
	}
	if out, err := stage.command(t.Context(), "build").CombinedOutput(); err != nil { // starts the sandbox, which makes the volume
		t.Fatalf("build: %v\n%s", err, out)
	}
	linkTree(t, packages, filepath.Join(stage.dir, ".slipway", "sandbox", "volumes", "polyaxon-v1-data", "site-packages"))

	command := stage.command(t.Context(), "deploy", "-o", "json")
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	var result report.Result
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil || len(result.Served) != 1 {
		t.Fatalf("deploy: %v\n%s\n%s", err, out, said.String())
	}
	served := result.Served[0]
	if served.Run != result.Jobs[0].UUID || served.Metrics["val_acc"] != 0.93 {
		t.Errorf("served %+v", served)
	}
	address, err := url.Parse(served.Address)
	if err != nil || !strings.HasSuffix(address.Path, "/docs") {
		t.Fatalf("the address is %s: %v", served.Address, err)
	}
	address.Path = strings.TrimSuffix(address.Path, "docs") + "predict"
	address.RawQuery += "&x=1"
	response, err := http.Get(address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Y   float64
		Run string
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Y != 1.5 || answer.Run != served.Run {
		t.Errorf("it answers %s with %+v, %v; want y 1.5 of run %s", response.Status, answer, err, served.Run)
	}
}
