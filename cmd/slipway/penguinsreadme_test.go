package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/testenv"
	"github.com/slipway-ci/slipway/tasks/report"
)

// readmeElsewhere are the commands of the README that the rest of TestPenguins runs, TestPenguinsOnNode with a cluster,
// or a story: those of MLflow and of doctor.
var readmeElsewhere = []string{
	"slipway deploy", "slipway deploy -P ROUNDS=1", "slipway deploy --env gpu", "slipway dashboard mlflow",
	"slipway deploy --env cluster", "slipway doctor --env cluster",
}

// tries runs the other commands of the example's README, as they are printed there, after the road was taken.
func (p *penguins) tries(t *testing.T, train report.Job) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(testenv.Root(t), "examples", "python", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{
		"status 4e1c5a7f": "MLflow run " + train.MLflow[0].ID[:8],
		"runs best tune --metric val_log_loss --min": "best first: the lowest val_log_loss",
		"artifacts --latest train model":             "outputs/model/model.joblib",
		"data ls gs://penguins/":                     "gs://penguins/penguins/",
		"up lab":                                     "lab: submitted, running",
		"down lab":                                   "lab",
	}
	var found []string
	for _, m := range regexp.MustCompile("(?m)(?:^    |`)(slipway [a-z][^`#\n]*)").FindAllStringSubmatch(string(readme), -1) {
		command := strings.TrimSpace(m[1])
		if slices.Contains(readmeElsewhere, command) || slices.Contains(found, command) {
			continue
		}
		found = append(found, command)
		args := strings.TrimPrefix(command, "slipway ")
		want, known := says[args]
		if !known {
			t.Errorf("nothing tests `%s` of the README", command)
			continue
		}
		args = strings.Replace(args, "4e1c5a7f", train.UUID[:8], 1)
		if said := string(p.run(t, strings.Fields(args)...)); !strings.Contains(said, want) {
			t.Errorf("%s: want %q\n%s", command, want, said)
		}
		if args == "up lab" {
			newBrowser(t).opens(t, p.serviceAddress(t, "lab"), "lab", "<title>JupyterLab</title>")
		}
	}
	if len(found) != len(says) {
		t.Errorf("the README has the commands %q", found)
	}
	var about struct{ Run string }
	text, err := os.ReadFile(filepath.Join(p.dir, "model", "outputs", "model", "model.json"))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err != nil || about.Run != train.UUID {
		t.Errorf("the last model is of run %q: %v", about.Run, err)
	}
}
