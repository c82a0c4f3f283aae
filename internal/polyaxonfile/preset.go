package polyaxonfile

import (
	"encoding/json"
	"fmt"
)

// Patch lays a preset over an operation, as servers do when a run is made of
// another; both are YAML or JSON, the result is JSON. The preset's patchStrategy says
// which values win.
func Patch(operation, preset []byte) ([]byte, error) {
	below, problems := Load("operation", operation)
	if below.root == nil {
		return nil, fmt.Errorf("read the operation: %w", Errors(problems))
	}
	over, problems := Load("preset", preset)
	if over.root == nil {
		return nil, fmt.Errorf("read the preset: %w", Errors(problems))
	}
	laid := clone(over.root)
	delete(laid, "isPreset")
	strategy, _ := laid["patchStrategy"].(string)
	patched := patch(below.root, laid, strategy)
	if strategy != "" {
		patched["patchStrategy"] = strategy // servers lay runPatch on the run by it too
	}
	return json.Marshal(patched)
}
