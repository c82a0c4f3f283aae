package compose

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/plain"
)

// Patch lays a preset over an operation, as servers do when a run is made of
// another; both are YAML or JSON, the result is JSON. The preset's patchStrategy says
// which values win.
func Patch(operation, preset []byte) ([]byte, error) {
	below, problems := file.Load("operation", operation)
	if below.Root() == nil {
		return nil, fmt.Errorf("read the operation: %w", file.Errors(problems))
	}
	over, problems := file.Load("preset", preset)
	if over.Root() == nil {
		return nil, fmt.Errorf("read the preset: %w", file.Errors(problems))
	}
	laid := plain.Clone(over.Root())
	delete(laid, "isPreset")
	strategy, _ := laid["patchStrategy"].(string)
	patched := LayPreset(below.Root(), laid, strategy)
	if strategy != "" {
		patched["patchStrategy"] = strategy // servers lay runPatch on the run by it too
	}
	return json.Marshal(patched)
}
