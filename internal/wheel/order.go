package wheel

import (
	"cmp"
	"slices"
	"strings"
)

// ranks returns the position of each package, by name, in the order of installation. If
// several packages have the same file, the last one's is kept.
//
// uv installs breadth first: the dependencies of the project by name, then their
// dependencies, and so on. A uv.lock contains this order. For other locks it is derived
// from the dependencies in the packages' metadata.
func ranks(order []string, archives []*archive) map[string]int {
	if order == nil {
		order = breadthFirst(archives)
	}
	ranks := map[string]int{}
	for _, name := range order {
		if _, ok := ranks[name]; !ok {
			ranks[name] = len(ranks)
		}
	}
	for _, a := range archives { // sorted by name
		if _, ok := ranks[a.requirement.name]; !ok {
			ranks[a.requirement.name] = len(ranks)
		}
	}
	return ranks
}

// breadthFirst orders packages, beginning with those that no other requires.
func breadthFirst(archives []*archive) []string {
	there, required := map[string]*archive{}, map[string]bool{}
	for _, a := range archives {
		there[a.requirement.name] = a
	}
	for _, a := range archives {
		for _, d := range a.metadata.requires {
			required[d.name] = required[d.name] || d.name != a.requirement.name
		}
	}
	var order []string
	for _, a := range archives {
		if !required[a.requirement.name] {
			order = append(order, a.requirement.name)
		}
	}
	for n := 0; n < len(order); n++ {
		var names []string
		for _, d := range there[order[n]].metadata.requires {
			names = append(names, d.name)
		}
		slices.Sort(names)
		for _, name := range names {
			if there[name] != nil && !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	return order
}

// order returns the packages of a uv.lock in the order in which uv installs them for the
// project beside it.
func (l lockFile) order(t target, extras, groups []string) []string {
	packages := map[string]lockedPackage{}
	root := ""
	for _, p := range l.Packages {
		name := normalName(p.Name)
		if dir, ok := p.local(); ok && dir == "." {
			root = name
		}
		if _, twice := packages[name]; !twice || root == name {
			packages[name] = p
		}
	}
	type need struct{ name, extra string }
	var order []string
	var queue []need
	seen := map[need]bool{}
	push := func(n need) {
		if !seen[n] {
			seen[n] = true
			queue = append(queue, n)
		}
	}
	add := func(list any) {
		for _, d := range entries(list) {
			name, _ := d["name"].(string)
			if condition, ok := d["marker"].(string); ok {
				if m, err := parseMarker(condition); err == nil && !m.holds(t.environment()) {
					continue
				}
			}
			if name = normalName(name); !slices.Contains(order, name) {
				order = append(order, name)
			}
			push(need{name, ""})
			wanted, _ := d["extra"].([]any)
			for _, extra := range wanted {
				if text, ok := extra.(string); ok {
					push(need{name, normalName(text)})
				}
			}
		}
	}
	push(need{root, ""})
	for _, extra := range extras {
		push(need{root, extra})
	}
	for _, group := range groups {
		add(packages[root].Groups[group])
	}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if n.extra == "" {
			add(packages[n.name].Dependencies)
		} else {
			add(packages[n.name].Optional[n.extra])
		}
	}
	return order
}

// Conflict describes two packages with files of the same names but different content. The
// files of Kept stay, and those of Dropped do not. Files is their number.
type Conflict struct {
	Kept, Dropped string
	Files         int
}

// Conflicts returns the pairs of packages that overlap, each pair once, by name.
func (e *Environment) Conflicts() []Conflict {
	var all []Conflict
	for _, o := range e.Overlaps {
		n := slices.IndexFunc(all, func(c Conflict) bool { return c.Kept == o.Kept && c.Dropped == o.Dropped })
		if n < 0 {
			n, all = len(all), append(all, Conflict{Kept: o.Kept, Dropped: o.Dropped})
		}
		all[n].Files++
	}
	slices.SortFunc(all, func(a, b Conflict) int {
		return cmp.Or(strings.Compare(a.Kept, b.Kept), strings.Compare(a.Dropped, b.Dropped))
	})
	return all
}
