package tasks

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/lint"
)

// TestCheckMissingResources checks that check reports, like deploy, which resources the
// sandbox's machine lacks, without starting anything. It does not report that for a server,
// whose machines are not known.
func TestCheckMissingResources(t *testing.T) {
	tree := map[string]string{
		"slipway.yaml": "project: story\nimages: {api: {files: [job.yml]}}\njobs:\n  some: {polyaxonfile: job.yml, image: api}\n  many: {polyaxonfile: job.yml, image: api, gpu: 4000}\n",
		"job.yml":      jobFile,
	}
	env, _, _ := laptopWith(t, tree)
	checked, err := Check(t.Context(), env, CheckOptions{})
	var errs *ProblemsError
	if found := checked.Problems; !errors.As(err, &errs) || errs.Errors != 1 || found[0].Name != lint.ExceedsMachine || found[0].Line != 5 || !strings.Contains(found[0].Message, "job many can never run") {
		t.Errorf("%v: %+v", err, found)
	}
	tree["slipway.yaml"] = strings.Replace(tree["slipway.yaml"], "images:", "registry: REGISTRY\npolyaxon: {host: 'http://127.0.0.1:1'}\nimages:", 1)
	env, _, _ = laptopWith(t, tree)
	if checked, err := Check(t.Context(), env, CheckOptions{Version: "2.18"}); err != nil {
		t.Errorf("on a server: %v: %+v", err, checked.Problems)
	}
}
