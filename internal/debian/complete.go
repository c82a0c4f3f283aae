package debian

import (
	"fmt"
	"slices"
)

// upgradeHint is the advice when locked packages do not fit a base.
const upgradeHint = "choose them anew: slipway build --upgrade-system"

// missing returns the packages that the base does not have. It returns an *Error if the base has
// one in another version, which the packages may not fit.
func (l *Layer) missing() ([]*Package, error) {
	var all []*Package
	for _, p := range l.Packages {
		switch had := l.Base.installed[p.Name]; {
		case had == nil:
			all = append(all, p)
		case had.Version != p.Version:
			return nil, &Error{Package: p.Name, Message: fmt.Sprintf("the base has changed: it has %s %s now, and slipway.lock has %s", p.Name, had.Version, p.Version), Hint: upgradeHint}
		}
	}
	if l.Base.bare { // the modes of the top directories are in base-files
		if n := slices.IndexFunc(all, func(p *Package) bool { return p.Name == "base-files" }); n > 0 {
			all = slices.Concat(all[n:n+1], all[:n], all[n+1:])
		}
	}
	return all, nil
}

// complete returns an *Error unless the base and the packages have all that the packages need. A
// base that has changed since they were locked may lack something.
func (l *Layer) complete(all []*unpacked) error {
	r := &resolution{base: l.Base, byName: map[string]*Package{}}
	var packages []*Package
	for _, u := range all {
		p, err := newPackage(u.control)
		if err != nil {
			return err
		}
		packages = append(packages, p)
		r.byName[p.Name] = p
	}
	r.chosen = packages
	for _, p := range packages {
		needs, err := p.needs()
		if err != nil {
			return &Error{Package: p.Name, Message: err.Error(), Hint: dockerfileHint}
		}
		for _, group := range needs {
			if !r.holdsOne(group) {
				return &Error{Package: p.Name, Message: fmt.Sprintf("the packages of slipway.lock do not fit the base any more: %s %s needs %s", p.Name, p.Version, group), Hint: upgradeHint}
			}
		}
		if err := r.conflict(p); err != nil {
			return err
		}
	}
	return nil
}
