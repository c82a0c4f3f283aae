package lint

import (
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/types"
)

func referenceRules() []Rule {
	return []Rule{
		{Name: "unknown-reference", Severity: file.SeverityError, Stage: file.StageCompile, check: unknownReference,
			Summary: "A param of a dag's operation refers to something that is not found",
			Help: "`ref` is `dag` (the inputs of the dag itself), `ops.NAME` (another operation of it) or `runs.UUID`, and `value` names what is meant there: `outputs.NAME`, `inputs.NAME`, `artifacts.NAME` or " +
				"`globals.NAME`. What is named must be declared by the component, and its type must be that of the input that it sets. Otherwise the dag fails when it is compiled."},
	}
}

var inBraces = lazyregexp.New(`^\s*\{\{\s*(.+?)\s*\}\}\s*$`)

// unknownReference checks the refs of a dag's operations.
func unknownReference(p *pass) {
	g := p.graph()
	if g == nil {
		return
	}
	components := map[string]map[string]any{}
	for _, element := range list(p.run["components"]) {
		components[text(mapping(element)["name"])] = mapping(element)
	}
	for _, name := range g.names {
		receiver := signatureOf(g.values[name], components)
		params := mapping(g.values[name]["params"])
		for _, param := range sorted(params) {
			m := mapping(params[param])
			ref, isText := m["ref"].(string)
			value, path := text(m["value"]), extend(g.paths[name], "params", param)
			if !isText || templated(ref) {
				continue
			}
			if found := inBraces.FindStringSubmatch(value); found != nil {
				value = found[1]
			}
			target, known := p.target(g, components, ref, path)
			if !known {
				continue
			}
			p.checkReference(target, ref, value, path, receiver.inputs[param])
		}
	}
}

// target returns the signature that a ref leads to. known is false when it cannot be
// determined, or when a problem was reported.
func (p *pass) target(g *graph, components map[string]map[string]any, ref string, path []string) (s signature, known bool) {
	parts := strings.Split(ref, ".")
	switch {
	case ref == "dag":
		return p.ownSignature(), true
	case len(parts) == 2 && parts[0] == "ops":
		operation := g.values[parts[1]]
		if operation == nil {
			return s, false // unknown-dependency reports it
		}
		s = signatureOf(operation, components)
		return s, s.known
	case len(parts) == 2 && parts[0] == "runs":
		if !runUUID.MatchString(strings.ReplaceAll(parts[1], "-", "")) {
			p.value(extend(path, "ref"), "write the run's uuid", "%q is not a valid run UUID", parts[1])
		}
		return s, false
	}
	hint := "a ref is dag, ops.NAME or runs.UUID"
	if g.values[ref] != nil {
		hint = "did you mean ops." + ref + "?"
	}
	p.value(extend(path, "ref"), hint, "%q is not a valid reference", ref)
	return s, false
}

var runUUID = lazyregexp.New(`^[0-9a-fA-F]{32}$`)

// checkReference checks the name that a param reads from its ref's target.
func (p *pass) checkReference(target signature, ref, value string, path []string, input map[string]any) {
	section, name, nested := strings.Cut(value, ".")
	at := extend(path, "value")
	var declared map[string]map[string]any
	switch {
	case section == "outputs":
		declared = target.outputs
	case section == "inputs":
		declared = target.inputs
	case section == "artifacts" || section == "globals" || section == "io" && !nested:
		return
	default:
		hint := "write outputs.NAME, inputs.NAME, artifacts.NAME or globals.NAME"
		if target.outputs[value] != nil {
			hint = "write outputs." + value
		} else if target.inputs[value] != nil {
			hint = "write inputs." + value
		}
		p.value(at, hint, "%q is not a valid reference to a value of %s", value, targetLabel(ref))
		return
	}
	if !nested {
		return
	}
	found := declared[name]
	if found == nil {
		hint := didYouMean(name, sorted(declared))
		for _, candidate := range sorted(declared) {
			if hint == "" && (strings.HasPrefix(name, candidate) || strings.HasPrefix(candidate, name)) {
				hint = "did you mean " + candidate + "?"
			}
		}
		if hint == "" && len(declared) > 0 {
			hint = targetLabel(ref) + " has " + strings.Join(sorted(declared), ", ")
		} else if hint == "" {
			hint = "declare it in the component's " + section
		}
		p.value(at, hint, "%s has no %s %s", targetLabel(ref), strings.TrimSuffix(section, "s"), name)
		return
	}
	from, to := text(found["type"]), text(input["type"])
	if input == nil || to == "" && from == "" || templated(from) || templated(to) {
		return
	}
	if isList(found) != isList(input) || !types.Compatible(to, from) {
		p.value(at, "give both the same type", "%s of %s is %s, and the input is %s", name, targetLabel(ref), typeOf(found), typeOf(input))
	}
}

func targetLabel(ref string) string {
	if name, ok := strings.CutPrefix(ref, "ops."); ok {
		return "the operation " + name
	}
	return "the dag"
}

func isList(declared map[string]any) bool { return declared["isList"] == true }

func typeOf(declared map[string]any) string {
	kind := text(declared["type"])
	if kind == "" {
		kind = "of no type"
	}
	if isList(declared) {
		return "a list of " + kind
	}
	return kind
}

// signature is the set of inputs and outputs of an operation, by name.
type signature struct {
	inputs, outputs map[string]map[string]any
	// known means that all of them are in the file.
	known bool
}

func (s *signature) add(values map[string]any) {
	for section, all := range map[string]map[string]map[string]any{"inputs": s.inputs, "outputs": s.outputs} {
		for _, element := range list(values[section]) {
			if m := mapping(element); m != nil {
				all[text(m["name"])] = m
			}
		}
	}
}

// ownSignature returns the signature of the unit, whose run is the dag.
func (p *pass) ownSignature() signature {
	s := signature{map[string]map[string]any{}, map[string]map[string]any{}, true}
	s.add(p.component)
	s.add(p.operation)
	return s
}

// signatureOf returns the signature of an operation in a dag: its own inputs and outputs,
// and those of its component, recursively.
func signatureOf(operation map[string]any, components map[string]map[string]any) signature {
	s := signature{map[string]map[string]any{}, map[string]map[string]any{}, false}
	const deepest = 20
	chain := []map[string]any{}
	for at := operation; at != nil && len(chain) < deepest; {
		chain = append(chain, at)
		switch next := mapping(at["component"]); {
		case next != nil:
			at = next
		case text(at["dagRef"]) != "":
			at = components[text(at["dagRef"])]
		default:
			s.known = at["hubRef"] == nil && at["urlRef"] == nil && at["pathRef"] == nil
			at = nil
		}
	}
	for i := len(chain) - 1; i >= 0; i-- {
		s.add(chain[i])
	}
	return s
}
