package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// CheckQuantities returns, joined, a *source.Error for each amount of a resource that
// Kubernetes cannot parse. Such amounts come from params, and a server would only report
// them when it creates the pod.
func CheckQuantities(ctx context.Context, p *project.Project, j *config.Job) error {
	operation, err := Operation(ctx, p, j, PlaceholderImage)
	if err != nil {
		return nil //nolint:nilerr // reported where the operation is checked
	}
	compiled, err := compiledAs(p, j, operation, p.SandboxVersion())
	if err != nil || compiled.Schedule() != "" {
		return nil //nolint:nilerr // as above; the runs that a pipeline creates have params of their own
	}
	var root any
	decoder := json.NewDecoder(bytes.NewReader(compiled.JSON()))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return err
	}
	var errs []error
	for _, text := range invalidQuantities(root) {
		errs = append(errs, badQuantity(ctx, p, j, compiled.Inputs, text))
	}
	return errors.Join(errs...)
}

// invalidQuantities returns the amounts below all keys called resources that Kubernetes cannot
// parse.
func invalidQuantities(value any) (found []string) {
	switch x := value.(type) {
	case []any:
		for _, item := range x {
			found = append(found, invalidQuantities(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if key != "resources" {
				found = append(found, invalidQuantities(x[key])...)
				continue
			}
			asked, _ := x[key].(map[string]any)
			for _, section := range []string{"requests", "limits"} {
				amounts, _ := asked[section].(map[string]any)
				for _, name := range slices.Sorted(maps.Keys(amounts)) {
					if _, ok := types.Quantity(amounts[name]); !ok && amounts[name] != nil {
						found = append(found, fmt.Sprint(amounts[name]))
					}
				}
			}
		}
	}
	return found
}

// badQuantity returns the error for an amount that Kubernetes cannot parse. It names the
// input that the amount comes from. Its position is where slipway.yaml sets the input, or
// else where the Polyaxonfile declares it, or else the job.
func badQuantity(ctx context.Context, p *project.Project, j *config.Job, inputs map[string]any, text string) error {
	e := source.Errorf(p.Config.At(project.Section(j), j.Name), "%q is not a valid quantity (%s)", text, suggestQuantity(text))
	name := inputOf(inputs, text)
	if name == "" {
		return e
	}
	e.Message = "input " + name + ": " + e.Message
	e.Position = positionOf(ctx, p, j, "`"+name+"`")
	if _, typed := p.Params[j.Name][name]; typed { // the command line overrides slipway.yaml
		if file, err := File(ctx, p, j); err == nil {
			if path := pathOf(file.Root(), name); path != nil {
				e.Position = file.At(path...)
			}
		}
	}
	return e
}

// inputOf returns the name of the input whose value is text, or else of the first input
// whose value is part of text, or "".
func inputOf(inputs map[string]any, text string) (part string) {
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		switch value := fmt.Sprint(inputs[name]); {
		case value == text:
			return name
		case part == "" && value != "" && strings.Contains(text, value):
			part = name
		}
	}
	return part
}

// bytesUnit matches an amount of bytes with a unit as people write it, such as 4GB.
var bytesUnit = lazyregexp.New(`^\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtTpP])i?[bB]?\s*$`)

// suggestQuantity suggests, for an error message, the amount that text may stand for.
func suggestQuantity(text string) string {
	m := bytesUnit.FindStringSubmatch(text)
	if m == nil {
		return "write it as 500m, 2, 4G or 4Gi"
	}
	unit := strings.ToUpper(m[2])
	if unit == "K" {
		return m[1] + "k or " + m[1] + "Ki"
	}
	return m[1] + unit + " or " + m[1] + unit + "i"
}
