package lint

import (
	"fmt"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func matrixRules() []Rule {
	return []Rule{
		{Name: "unknown-matrix-param", Severity: file.SeverityError, Stage: file.StageCompile, check: unknownMatrixParam,
			Summary: "A matrix varies an input that is not declared",
			Help:    "Each run of a matrix gets its values as params, and a param whose input is not declared fails the run on Polyaxon 1.11 and changes nothing on 2.18: all runs are the same, and all are paid for."},
		{Name: "bad-hyperparameter", Severity: file.SeverityError, Stage: file.StageRun, check: badHyperparameter,
			Summary: "A hyperparameter's space is empty or reversed",
			Help:    "A range that never reaches its end, a uniform with its low end above its high end, an empty choice, or probabilities that do not add up to 1: the search makes no run, or fails when it draws its first value."},
		{Name: "lacking-entry", Severity: file.SeverityError, Stage: file.StageCompile, check: incompleteEntry,
			Summary: "An entry of a mapping lacks a required param",
			Help:    "Each entry of a matrix of kind mapping is one run. Where it leaves out a param that other entries have, and its input has no default, that run fails when it is compiled, after the others have begun."},
		{Name: "matrix-conflict", Severity: file.SeverityWarning, Stage: file.StageRun, check: matrixConflict,
			Summary: "A matrix and a param set the same input",
			Help:    "The same name is in `params` and in the matrix. Which of the two wins depends on the version; remove one."},
	}
}

func unknownMatrixParam(p *pass) {
	if p.component == nil {
		return
	}
	var names []string
	for _, x := range p.declared("inputs") {
		names = append(names, x.name)
	}
	varied := p.matrixNames()
	for _, name := range sorted(varied) {
		if !contains(names, name) {
			hint := didYouMean(name, names)
			if hint == "" {
				hint = "declare it as an input"
			}
			p.key(varied[name], hint, "the matrix varies %s, which is not declared as an input", name)
		}
	}
}

// incompleteEntry reports entries of a mapping that lack a param which other entries have,
// if nothing else sets it.
func incompleteEntry(p *pass) {
	holder, path := p.operation, p.operationPath
	if holder["matrix"] == nil {
		holder, path = p.component, p.path
	}
	params := mapping(holder["params"])
	varied := p.matrixNames()
	for i, element := range list(mapping(holder["matrix"])["values"]) {
		row := mapping(element)
		for _, x := range p.declared("inputs") {
			if _, has := row[x.name]; row == nil || has || varied[x.name] == nil || x.optional || x.hasValue || params[x.name] != nil || !p.nested && contains(p.options.Params, x.name) {
				continue
			}
			p.value(extend(path, "matrix", "values", itoa(i)), "add "+x.name+", or give the input a default", "this entry has no %s, which is required", x.name)
		}
	}
}

func matrixConflict(p *pass) {
	varied := p.matrixNames()
	for _, name := range sorted(mapping(p.operation["params"])) {
		if varied[name] != nil {
			p.key(varied[name], "remove it from params, or from the matrix", "%s is set in params too", name)
		}
	}
}

// numbers returns a list, or the values of a mapping at keys, as numbers.
func numbers(value any, keys ...string) ([]float64, bool) {
	elements := list(value)
	if m := mapping(value); m != nil {
		for _, key := range keys {
			if m[key] != nil {
				elements = append(elements, m[key])
			}
		}
	}
	if s, ok := value.(string); ok { // a text such as 0:10:2
		var all []float64
		for len(s) > 0 {
			var n float64
			var rest string
			if count, _ := fmt.Sscanf(s, "%g:%s", &n, &rest); count == 0 {
				return nil, false
			}
			all, s = append(all, n), rest
		}
		return all, len(all) > 0
	}
	var all []float64
	for _, element := range elements {
		switch n := element.(type) {
		case int:
			all = append(all, float64(n))
		case float64:
			all = append(all, n)
		default:
			return nil, false
		}
	}
	return all, len(all) > 0
}

func badHyperparameter(p *pass) {
	holder, path := p.operation, p.operationPath
	if holder == nil {
		holder, path = p.component, p.path
	}
	params := mapping(mapping(holder["matrix"])["params"])
	for _, name := range sorted(params) {
		param := mapping(params[name])
		at := extend(path, "matrix", "params", name, "value")
		if why := badSpace(text(param["kind"]), param["value"]); why != "" {
			p.value(at, "", "the values of %s: %s", name, why)
		}
	}
}

// badSpace returns why a hyperparameter has no valid values, or "" when it may have some.
func badSpace(kind string, value any) string {
	switch kind {
	case "choice":
		if l, ok := value.([]any); ok && len(l) == 0 {
			return "the list of values is empty"
		}
	case "pchoice":
		total, counted := 0.0, 0
		for _, element := range list(value) {
			if pair := list(element); len(pair) == 2 {
				if n, ok := numbers(pair[1:]); ok {
					total, counted = total+n[0], counted+1
				}
			}
		}
		if counted > 0 && counted == len(list(value)) && (total < 0.999 || total > 1.001) {
			return fmt.Sprintf("the probabilities add up to %.4g, not to 1", total)
		}
	case "range":
		n, ok := numbers(value, "start", "stop", "step")
		switch {
		case !ok || len(n) < 2:
		case len(n) > 2 && n[2] == 0:
			return "the step must not be 0"
		case len(n) > 2 && n[2] < 0 && n[0] < n[1], (len(n) == 2 || n[2] > 0) && n[0] >= n[1]:
			return fmt.Sprintf("the range from %g never reaches %g", n[0], n[1])
		}
	case "linspace", "logspace", "geomspace":
		n, ok := numbers(value, "start", "stop", "num")
		switch {
		case ok && len(n) > 2 && n[2] < 1:
			return fmt.Sprintf("num must be at least 1, not %g", n[2])
		case ok && kind == "geomspace" && len(n) > 1 && n[0]*n[1] <= 0:
			return "a geometric space cannot contain or cross 0"
		}
	case "uniform", "quniform", "loguniform", "qloguniform":
		n, ok := numbers(value, "low", "high", "q")
		switch {
		case ok && len(n) > 1 && n[0] >= n[1]:
			return fmt.Sprintf("low must be below high, but %g is not below %g", n[0], n[1])
		}
	case "normal", "qnormal", "lognormal", "qlognormal":
		n, ok := numbers(value, "loc", "scale", "q")
		if ok && len(n) > 1 && n[1] <= 0 {
			return fmt.Sprintf("the standard deviation must be above 0, not %g", n[1])
		}
	}
	return ""
}
