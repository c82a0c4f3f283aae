package report_test

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-ci/slipway/tasks/report"
)

// A program in another process reads the output of "slipway plan --output json".
func ExampleResult() {
	const output = `{"command": "plan", "exit_code": 0,
		"images": [{"name": "train", "action": "push", "changed": ["train.py"]}],
		"jobs": [{"name": "process-data", "action": "up-to-date"}, {"name": "train", "action": "submit", "after": "process-data"}]}`
	var result report.Result
	if err := json.Unmarshal([]byte(output), &result); err != nil {
		fmt.Println(err)
	}
	for _, image := range result.Images {
		fmt.Println("image", image.Name, image.Action, image.Changed)
	}
	for _, job := range result.Jobs {
		if job.Action.Changes() {
			fmt.Println("job", job.Name, job.Action)
		}
	}
	// Output:
	// image train push [train.py]
	// job train submit
}
