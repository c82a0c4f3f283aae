package debian

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxSteps limits how often a resolution tries a package. Real ones take some thousand steps.
const maxSteps = 200_000

// Error is the error for packages that cannot be added to a base.
type Error struct {
	// Package is the package of slipway.yaml at fault, or "" if it is none.
	Package string
	Message string
	// Hint says what the user can do.
	Hint string
	// Err is the cause, or nil.
	Err error
}

func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// dockerfileHint is the advice for packages that only apt can install.
const dockerfileHint = "install it with apt-get in a Dockerfile, and use that image as the base: base: slipway://NAME"

// resolution chooses packages.
type resolution struct {
	ctx       context.Context
	from      *universe
	base      *Base
	locked    map[string]string
	chosen    []*Package
	byName    map[string]*Package
	steps     int
	requested string
	// where is where the apt sources are.
	where string
}

// resolve returns the packages that are added to a base so that it has the packages of names and
// all that they depend on, sorted by name. What the base has is neither added nor replaced.
// locked are versions, by package, that are chosen if the repository has them. It returns an
// *Error if there is no such choice, which names where the apt sources are.
func resolve(ctx context.Context, names []string, from *universe, base *Base, where string, locked map[string]string) ([]*Package, error) {
	r := &resolution{ctx: ctx, from: from, base: base, where: where, locked: locked, byName: map[string]*Package{}}
	for _, name := range names {
		r.requested = name
		if base.installed[name] != nil {
			continue
		}
		if len(from.byName[name]) == 0 {
			return nil, r.unknown(name)
		}
		if err := r.satisfy(nil, alternatives{{name: name}}); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.chosen, func(a, b *Package) int { return strings.Compare(a.Name, b.Name) })
	return r.chosen, nil
}

// unknown returns the error for a package that no repository has.
func (r *resolution) unknown(name string) error {
	e := &Error{Package: name, Message: fmt.Sprintf("there is no package %s for %s in the repositories of %s", name, r.base.architecture, r.where)}
	providers := map[string]bool{}
	for _, p := range r.from.providers[name] {
		providers[p.Name] = true
	}
	near, isNear := source.Nearest(name, slices.Sorted(maps.Keys(r.from.byName)))
	switch {
	case len(providers) > 0:
		e.Message, e.Hint = fmt.Sprintf("%s is a virtual package", name), "name one of the packages that provide it: "+strings.Join(slices.Sorted(maps.Keys(providers)), ", ")
	case isNear:
		e.Hint = "did you mean " + near + "?"
	default:
		e.Hint = "the package may have another name in this release of Debian"
	}
	return e
}

// satisfy chooses packages so that one of the alternatives holds, which the package by needs, or
// the user if by is nil.
func (r *resolution) satisfy(by *Package, group alternatives) error {
	if r.holdsOne(group) {
		return nil
	}
	var first error
	for _, one := range group {
		if !one.isFor(r.base.architecture) {
			continue
		}
		for _, p := range r.from.candidates(one, r.locked) {
			before := len(r.chosen)
			err := r.choose(p)
			if err == nil {
				return nil
			}
			r.forget(before)
			if r.ctx.Err() != nil || r.steps > maxSteps {
				return err
			}
			if first == nil {
				first = err
			}
		}
	}
	if first != nil {
		return first
	}
	return r.missing(by, group)
}

// missing returns the error for alternatives that no package satisfies.
func (r *resolution) missing(by *Package, group alternatives) error {
	e := &Error{Package: r.requested, Message: fmt.Sprintf("%s %s needs %s, which the repositories of %s do not have", by.Name, by.Version, group, r.where), Hint: "check the apt sources of " + r.where}
	for _, one := range group {
		if had := r.base.installed[one.name]; had != nil {
			e.Message = fmt.Sprintf("%s %s needs %s, and the base has %s %s, which is never replaced", by.Name, by.Version, group, had.Name, had.Version)
			e.Hint = "use a newer base; or " + dockerfileHint
		} else if had := r.byName[one.name]; had != nil {
			e.Message, e.Hint = fmt.Sprintf("%s %s needs %s, and another package needs %s %s", by.Name, by.Version, group, had.Name, had.Version), ""
		}
	}
	return e
}

// holdsOne reports whether one of the alternatives holds.
func (r *resolution) holdsOne(group alternatives) bool {
	return slices.ContainsFunc(group, func(one relation) bool { return one.isFor(r.base.architecture) && r.holds(one) })
}

// holds reports whether the base or a chosen package satisfies a relation.
func (r *resolution) holds(one relation) bool {
	if p := r.byName[one.name]; p != nil && one.heldBy(p) {
		return true
	}
	if r.base.holds(one) {
		return true
	}
	for _, p := range r.chosen {
		if p.given != "" && one.heldBy(p) {
			return true
		}
	}
	return false
}

// choose chooses a package and all that it needs.
func (r *resolution) choose(p *Package) error {
	if r.steps++; r.steps > maxSteps {
		return &Error{Package: r.requested, Message: fmt.Sprintf("no choice of packages for %s was found in %d steps", r.requested, maxSteps), Hint: dockerfileHint}
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if had := r.base.installed[p.Name]; had != nil {
		return &Error{Package: r.requested, Message: fmt.Sprintf("%s needs %s %s, and the base has %s, which is never replaced", r.requested, p.Name, p.Version, had.Version), Hint: "use a newer base; or " + dockerfileHint}
	}
	if had := r.byName[p.Name]; had != nil {
		return &Error{Package: r.requested, Message: fmt.Sprintf("%s needs %s in two versions: %s and %s", r.requested, p.Name, had.Version, p.Version), Hint: "check the apt sources of " + r.where}
	}
	if err := r.conflict(p); err != nil {
		return err
	}
	chosen := *p // others resolve from the same universe
	chosen.requested = r.requested
	r.chosen = append(r.chosen, &chosen)
	r.byName[p.Name] = &chosen
	needs, err := p.needs()
	if err != nil {
		return err
	}
	for _, group := range needs {
		if err := r.satisfy(p, group); err != nil {
			return err
		}
	}
	return nil
}

// conflict returns an error if a package cannot be installed together with another.
func (r *resolution) conflict(p *Package) error {
	for _, others := range []struct {
		packages map[string]*Package
		where    string
	}{{r.base.installed, "which the base has"}, {r.byName, "which is needed, too"}} {
		for _, name := range slices.Sorted(maps.Keys(others.packages)) {
			other := others.packages[name]
			why, excluded := p.excludes(other)
			if !excluded {
				why, excluded = other.excludes(p)
			}
			if excluded {
				return &Error{Package: r.requested, Message: fmt.Sprintf("%s %s cannot be installed together with %s %s, %s: one of them conflicts with %s", p.Name, p.Version, other.Name, other.Version, others.where, why), Hint: "leave one of them out, or choose another base"}
			}
		}
	}
	return nil
}

// forget takes back what was chosen after the first n packages.
func (r *resolution) forget(n int) {
	for _, p := range r.chosen[n:] {
		delete(r.byName, p.Name)
	}
	r.chosen = r.chosen[:n]
}
