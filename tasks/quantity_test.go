package tasks

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestQuantitiesOfParams checks that an invalid quantity in a param is refused before
// anything is built or started. The error names the input and its position.
func TestQuantitiesOfParams(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"slipway.yaml": "project: story\njobs:\n  train: {polyaxonfile: train.yml, params: {CPU: 2 cores}}\n",
		"train.yml": "version: 1.1\nkind: component\ninputs:\n- {name: MEMORY, type: str, isOptional: true, value: 1Gi}\n- {name: CPU, type: str, isOptional: true, value: 500m}\n" +
			"run:\n  kind: job\n  container:\n    image: a\n    resources: {limits: {memory: \"{{ MEMORY }}\", cpu: \"{{ CPU }}\"}}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := &Env{Dir: ".", Events: &eventLog{}, Transport: http.DefaultTransport, Now: time.Now, Lookup: func(string) (string, bool) { return "", false }}
	for params, want := range map[string]string{
		"MEMORY=4GB CPU=1":  `train.yml:4:10: input MEMORY: "4GB" is not a valid quantity (4G or 4Gi)`,
		"MEMORY=12kb CPU=1": `train.yml:4:10: input MEMORY: "12kb" is not a valid quantity (12k or 12Ki)`,
		"MEMORY=much CPU=1": `train.yml:4:10: input MEMORY: "much" is not a valid quantity (write it as 500m, 2, 4G or 4Gi)`,
		"MEMORY=4Gi":        `slipway.yaml:3:50: input CPU: "2 cores" is not a valid quantity`,
	} {
		for name, do := range map[string]func() error{
			"deploy": func() error {
				_, err := Deploy(t.Context(), env, DeployOptions{Jobs: []string{"train"}, Params: strings.Fields(params)})
				return err
			},
			"plan": func() error {
				_, err := Plan(t.Context(), env, PlanOptions{Jobs: []string{"train"}, Params: strings.Fields(params)})
				return err
			},
		} {
			err := do()
			if err == nil || ExitCode(err) != ExitUsage || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s with %s: %v, want %s", name, params, err, want)
			}
		}
	}
	if _, err := os.Stat(".slipway"); err == nil {
		t.Error("the sandbox was started")
	}
}
