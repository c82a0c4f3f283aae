package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
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
	stage := newPageStage(t, packages, base, files, map[string]string{"uvicorn": "uvicorn"})
	result, _, said := stage.deploy(t)
	if len(result.Served) != 1 {
		t.Fatalf("it serves %+v:\n%s", result.Served, said)
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
