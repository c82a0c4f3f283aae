package fill

import (
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/operation"
)

// TestMLflowTagged tags an operation, and compares it with another one without the tags. What the
// container sets itself is kept.
func TestMLflowTagged(t *testing.T) {
	for name, c := range map[string]struct{ env, want string }{
		"no variables":    {"", `"env":[{"name":"MLFLOW_RUN_CONTEXT","value":"{\"slipway.job\":\"train\",\"slipway.run\":\"{{ globals.uuid }}\"}"}]`},
		"its own":         {`, "env": [{"name": "MLFLOW_RUN_CONTEXT", "value": "{}"}]`, `"env":[{"name":"MLFLOW_RUN_CONTEXT","value":"{}"}]`},
		"other variables": {`, "env": [{"name": "A", "value": "b"}]`, `"env":[{"name":"A","value":"b"},{"name":"MLFLOW_RUN_CONTEXT"`},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := operation.Parse([]byte(`{"kind": "operation", "version": 1.1, "component": {"run": {"kind": "job", "container": {"image": "a"` + c.env + `}}}}`))
			if err != nil {
				t.Fatal(err)
			}
			tagged := MLflowTagged(o, map[string]string{"slipway.job": "train", "slipway.commit": ""})
			if got := string(tagged.JSON()); !strings.Contains(got, c.want) {
				t.Errorf("it is %s, want %s", got, c.want)
			}
			if got := string(Unlabelled(tagged).JSON()); got != string(o.JSON()) {
				t.Errorf("without tags it is %s, want %s", got, o.JSON())
			}
		})
	}
}
