package wheel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Unmet is what an installed package requires and the environment does not have.
type Unmet struct {
	// Package requires Needed, a package by its normalized name, in the versions of Specifier, such as >=1.26,<2. The
	// environment has it in the version Have, or not at all if that is "".
	Package, Needed, Specifier, Have string
}

// String returns what is not met, such as: pandas requires numpy>=1.26, and 1.24.0 is there.
func (u Unmet) String() string {
	if u.Have == "" {
		return fmt.Sprintf("%s requires %s%s", u.Package, u.Needed, u.Specifier)
	}
	return fmt.Sprintf("%s requires %s%s, and %s is there", u.Package, u.Needed, u.Specifier, u.Have)
}

// dependency is a package that another one requires, from a field Requires-Dist.
type dependency struct {
	name, specifier string
	extras          []string
	// marker is nil if the package is always required.
	marker marker
}

// parseDependency parses the value of a field Requires-Dist. It returns false for what is not one.
func parseDependency(text string) (dependency, bool) {
	text, condition, conditional := strings.Cut(text, ";")
	name := requirementName.FindString(text)
	if name == "" {
		return dependency{}, false
	}
	d := dependency{name: normalName(name)}
	if conditional {
		var err error
		if d.marker, err = parseMarker(condition); err != nil {
			d.marker = either{} // whether it is required is not known
		}
	}
	rest := strings.TrimSpace(text[len(name):])
	if extras := extrasList.FindString(rest); extras != "" {
		d.extras, rest = extraNames(extras), strings.TrimSpace(rest[len(extras):])
	}
	if !strings.HasPrefix(rest, "@") { // what an address has is the version that was meant
		d.specifier = strings.Join(specifiers(strings.Trim(rest, "()")), ",")
	}
	return d, true
}

// extraNames returns the normalized names of a list such as [gpu,plot].
func extraNames(list string) []string {
	return normalNames(strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune("[], \t", r) }))
}

// accepts reports whether a version is one that is required. Clauses that cannot be parsed are ignored.
func (d dependency) accepts(version string) bool {
	return !slices.ContainsFunc(specifiers(d.specifier), func(clause string) bool {
		operator, operand := cutSpecifier(clause)
		holds, ok := satisfies(version, operator, operand)
		return ok && !holds
	})
}

// unmet returns what the packages require and do not have, with the extras that the lock and the packages name, sorted
// by package.
func (t target) unmet(archives []*archive) []Unmet {
	type part struct{ name, extra string }
	there := map[string]*archive{}
	var queue []part
	for _, a := range archives {
		there[a.requirement.name] = a
		queue = append(queue, part{a.requirement.name, ""})
		for _, extra := range a.requirement.extras {
			queue = append(queue, part{a.requirement.name, extra})
		}
	}
	env := t.environment()
	seen, found := map[part]bool{}, map[Unmet]bool{}
	var all []Unmet
	for ; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		if seen[p] {
			continue
		}
		seen[p], env["extra"] = true, p.extra
		for _, d := range there[p.name].metadata.requires {
			if d.marker != nil && !d.marker.holds(env) {
				continue
			}
			u := Unmet{p.name, d.name, d.specifier, ""}
			if had := there[d.name]; had != nil {
				for _, extra := range d.extras {
					queue = append(queue, part{d.name, extra})
				}
				if d.accepts(had.metadata.version) {
					continue
				}
				u.Have = had.metadata.version
			}
			if !found[u] {
				found[u] = true
				all = append(all, u)
			}
		}
	}
	slices.SortFunc(all, func(a, b Unmet) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(a.Needed, b.Needed), strings.Compare(a.Specifier, b.Specifier))
	})
	return all
}
