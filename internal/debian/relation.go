package debian

import (
	"fmt"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// relation is a reference to a package in a field such as Depends. See deb-control(5).
type relation struct {
	name string
	// architecture is the qualifier behind a colon, such as any, or "".
	architecture string
	// operator is <<, <=, =, >= or >>, or "" if any version will do.
	operator, version string
}

// alternatives are relations of which one has to hold.
type alternatives []relation

var relationForm = lazyregexp.New(`^([a-zA-Z0-9][a-zA-Z0-9+._-]*)(?::([a-z0-9-]+))?\s*(?:\(\s*(<<|<=|=|>=|>>|<|>)\s*([0-9A-Za-z.+~:-]+)\s*\))?$`)

// parseRelations parses the value of a field with relations.
func parseRelations(text string) ([]alternatives, error) {
	var all []alternatives
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		var group alternatives
		for one := range strings.SplitSeq(part, "|") {
			m := relationForm.FindStringSubmatch(strings.TrimSpace(one))
			if m == nil {
				return nil, fmt.Errorf("%q is not a relation to a package", strings.TrimSpace(one))
			}
			r := relation{name: m[1], architecture: m[2], operator: m[3], version: m[4]}
			switch r.operator { // obsolete forms
			case "<":
				r.operator = "<="
			case ">":
				r.operator = ">="
			}
			group = append(group, r)
		}
		all = append(all, group)
	}
	return all, nil
}

// String returns the relation as it is written in a control file.
func (r relation) String() string {
	text := r.name
	if r.architecture != "" {
		text += ":" + r.architecture
	}
	if r.operator != "" {
		text += " (" + r.operator + " " + r.version + ")"
	}
	return text
}

// String returns the alternatives as they are written in a control file.
func (a alternatives) String() string {
	texts := make([]string, len(a))
	for n, r := range a {
		texts[n] = r.String()
	}
	return strings.Join(texts, " | ")
}

// accepts reports whether a version satisfies the relation.
func (r relation) accepts(version string) bool {
	order := CompareVersions(version, r.version)
	switch r.operator {
	case "":
		return true
	case "<<":
		return order < 0
	case "<=":
		return order <= 0
	case "=":
		return order == 0
	case ">=":
		return order >= 0
	}
	return order > 0
}

// isFor reports whether the relation is to packages of an architecture. Packages of any other
// architecture are neither installed nor looked for.
func (r relation) isFor(architecture string) bool {
	return r.architecture == "" || r.architecture == "any" || r.architecture == "native" || r.architecture == architecture
}

// heldBy reports whether a package satisfies the relation, by its name or by what it provides.
func (r relation) heldBy(p *Package) bool {
	if p.Name == r.name && r.accepts(p.Version) {
		return true
	}
	for _, given := range p.provides() {
		// What is provided without a version satisfies no relation with one.
		if given.name == r.name && (r.operator == "" || given.operator == "=" && r.accepts(given.version)) {
			return true
		}
	}
	return false
}
