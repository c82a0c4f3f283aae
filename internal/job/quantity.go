package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/config"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
	"github.com/slipway-ci/slipway/internal/project"
	"github.com/slipway-ci/slipway/internal/source"
)

// CheckQuantities refuses amounts of resources that Kubernetes cannot read, which come
// of params: a server would only say so when it makes the pod.
func CheckQuantities(ctx context.Context, p *project.Project, j *config.Job) error {
	operation, err := Operation(ctx, p, j, UnbuiltImage)
	if err != nil {
		return nil //nolint:nilerr // it is told where the operation is checked
	}
	compiled, err := CompiledAs(p, j, operation, p.SandboxVersion())
	if err != nil || compiled.Schedule() != "" {
		return nil //nolint:nilerr // as above; and what a pipeline makes has params of its own
	}
	var root any
	decoder := json.NewDecoder(bytes.NewReader(compiled.JSON()))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		return err
	}
	var errs []error
	for _, text := range unreadable(root) {
		errs = append(errs, badQuantity(ctx, p, j, compiled.Inputs, text))
	}
	return errors.Join(errs...)
}

// unreadable gives the amounts below all keys called resources that are no quantities.
func unreadable(value any) (found []string) {
	switch x := value.(type) {
	case []any:
		for _, item := range x {
			found = append(found, unreadable(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if key != "resources" {
				found = append(found, unreadable(x[key])...)
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

// badQuantity names the input that the amount is of, where it is declared, or where
// slipway.yaml gives it.
func badQuantity(ctx context.Context, p *project.Project, j *config.Job, inputs map[string]any, text string) error {
	e := source.Errorf(p.Config.At(project.Section(j), j.Name), "%q is not a quantity (%s)", text, meantAmount(text))
	name := inputOf(inputs, text)
	if name == "" {
		return e
	}
	e.Message = "input " + name + ": " + e.Message
	e.Position = blamed(ctx, p, j, "`"+name+"`")
	if _, typed := p.Params[j.Name][name]; typed { // what slipway.yaml gives does not count
		if file, err := File(ctx, p, j); err == nil {
			if path := pathOf(file.Root(), name); path != nil {
				e.Position = file.At(path...)
			}
		}
	}
	return e
}

// inputOf gives the input whose value a text is, or else whose value is in it.
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

// bytesUnit is an amount with a unit as people write it.
var bytesUnit = regexp.MustCompile(`^\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtTpP])i?[bB]?\s*$`)

// meantAmount gives what may be meant.
func meantAmount(text string) string {
	m := bytesUnit.FindStringSubmatch(text)
	if m == nil {
		return "such are 500m, 2, 4G and 4Gi"
	}
	unit := strings.ToUpper(m[2])
	if unit == "K" {
		return m[1] + "k or " + m[1] + "Ki"
	}
	return m[1] + unit + " or " + m[1] + unit + "i"
}
