package service

import (
	"strings"
	"testing"
)

func TestModelHint(t *testing.T) {
	const directory = "/polyaxon-v1-data/models/4e1c5a7f"
	missing := "FileNotFoundError: [Errno 2] No such file or directory: '" + directory + "/model.joblib'"
	if got := modelHint(directory, []string{"Traceback", missing}); !strings.Contains(got, "below /polyaxon-v1-data/models/{{ globals.uuid }}") {
		t.Errorf("got %q", got)
	}
	for what, c := range map[string]struct{ directory, line string }{
		"no model":        {"", missing},
		"another file":    {directory, "FileNotFoundError: [Errno 2] No such file or directory: '/app/x'"},
		"another failure": {directory, "ValueError: " + directory + "/model.joblib is not a model"},
	} {
		if got := modelHint(c.directory, []string{c.line}); got != "" {
			t.Errorf("%s: got %q", what, got)
		}
	}
}
