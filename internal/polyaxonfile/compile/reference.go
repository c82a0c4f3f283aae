package compile

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

// referenceFunc checks what a param refers to against the input that it is for.
type referenceFunc = func(x types.IO, ref, value string) error

var (
	templateText = lazyregexp.New(`\{\{\s*(.+)\s*\}\}`)
	runUUID      = lazyregexp.New(`^[{(]?(?:urn:)?(?:uuid:)?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}[})]?$`)
	entityRefs   = []string{"ops", "runs"}
)

// checkReference checks the form of a param that refers to another operation or run:
// {ref: ops.NAME, value: outputs.x}.
func checkReference(name string, param map[string]any) error {
	ref, isRef := param["ref"].(string)
	if !isRef {
		return nil
	}
	value, _ := param["value"].(string)
	what := value
	if m := templateText.FindStringSubmatch(value); m != nil {
		what = strings.TrimSpace(m[1])
	}
	parts := strings.Split(what, ".")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	first := parts[0]
	switch {
	case len(parts) > 3:
		return compileErrorf("Could not parse value `%s` for param `%s`.", value, name)
	case len(parts) == 1 && (!slices.Contains([]string{"inputs", "outputs", "io", "artifacts"}, first) || first == "outputs" && strings.HasPrefix(ref, "dag")),
		len(parts) == 2 && !slices.Contains([]string{"inputs", "outputs", "artifacts", "globals"}, first),
		len(parts) == 3 && first != "artifacts":
		return compileErrorf("Received an invalid value `%s` for param `%s`.", value, name)
	}
	to := strings.Split(ref, ".")
	switch {
	case len(to) > 2 || len(to) == 1 && to[0] != "dag" || len(to) == 2 && !slices.Contains(entityRefs, to[0]):
		return compileErrorf("Could not parse ref `%s` for param `%s`.", to[0], name)
	case to[0] == "runs" && !runUUID.MatchString(to[1]):
		return compileErrorf("Param value `%s` should reference a valid run uuid.", to[1])
	}
	return nil
}

func brokenReference(name, value, ref string) error {
	return compileErrorf("Param `%s` has a ref value `%s`, but reference with name `%s` has no such information, "+
		"please check that your polyaxonfile defines the correct template", name, value, ref)
}
