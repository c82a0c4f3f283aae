package compile

import (
	"fmt"
	"testing"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// TestOneTextIsACommand checks that a command or arguments written as one text become a
// list of one element, as in Polyaxon's converter.
func TestOneTextIsACommand(t *testing.T) {
	for _, version := range []schema.Version{{Major: 1, Minor: 11, Patch: 3}, schema.Newest()} {
		compiled, err := Operation([]byte("version: 1.1\nkind: component\nrun: {kind: job, container: {image: \"a:1\", command: nvidia-smi, args: \"-q x\"}}\n"), version)
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := compiled.Resolve(Context{})
		if err != nil {
			t.Fatal(err)
		}
		pod, err := resolved.Pod()
		if err != nil {
			t.Fatal(err)
		}
		if have := fmt.Sprintf("%q %q", pod.Container.Command, pod.Container.Args); have != `["nvidia-smi"] ["-q x"]` {
			t.Errorf("on %s: %s", version, have)
		}
	}
}
