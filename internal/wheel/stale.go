package wheel

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// lockedRequirement is a requirement of a project as uv.lock recorded it.
type lockedRequirement struct {
	Name      string
	Extras    []string
	Specifier string
	Marker    string
	// Other places than an index that a package may be taken from.
	Editable, Directory, Git, URL, Path, Virtual string
}

// Stale describes the changes of the project since its uv.lock was made. It returns "" if
// there are none, or if the lock is not a readable uv.lock. Like uv, it compares the
// project with what the lock recorded of it, and does not use the times of the files.
func Stale(s Spec) string {
	if f, err := s.format(); err != nil || f != uvFormat {
		return ""
	}
	read := s.reader()
	text, err := read(path.Clean(s.Lock))
	if err != nil {
		return ""
	}
	lock, err := parseLockFile(text)
	if err != nil {
		return ""
	}
	members := 0
	for _, p := range lock.Packages {
		if _, ok := p.local(); ok {
			members++
		}
	}
	var changes []string
	for _, p := range lock.Packages {
		dir, ok := p.local()
		if !ok {
			continue
		}
		text, err := read(path.Join(path.Dir(s.Lock), dir, "pyproject.toml"))
		if err != nil {
			continue
		}
		project, ok := parseProject(text)
		if !ok || normalName(project.Project.Name) != normalName(p.Name) {
			continue
		}
		changes = append(changes, staleness(lock, p, project)...)
		if members == 1 && !slices.Equal(specifiers(project.Project.RequiresPython), specifiers(lock.RequiresPython)) {
			changes = append(changes, "requires-python is "+project.Project.RequiresPython+" and was "+lock.RequiresPython)
		}
	}
	return strings.Join(changes, "; ")
}

// staleness compares a project with what the lock recorded of it.
func staleness(lock lockFile, p lockedPackage, project projectFile) []string {
	c := comparison{environments: environments(lock.RequiresPython, project)}
	for name, from := range project.Tool.UV.Sources {
		if table, ok := from.(map[string]any); !ok || table["index"] == nil {
			c.elsewhere = append(c.elsewhere, normalName(name))
		}
	}
	var changes []string
	if !slices.Contains(project.Project.Dynamic, "dependencies") && !slices.Contains(project.Project.Dynamic, "optional-dependencies") {
		wanted := map[string][]bool{}
		c.addAll(wanted, project.Project.Dependencies, "")
		for extra, list := range project.Project.Optional {
			c.addAll(wanted, list, normalName(extra))
		}
		changes = append(changes, difference(wanted, c.recorded(p.Metadata.RequiresDist), "")...)
	}
	groups := slices.Collect(maps.Keys(p.Metadata.RequiresDev))
	for group := range project.Groups {
		groups = append(groups, normalName(group))
	}
	slices.Sort(groups)
	for _, group := range slices.Compact(groups) {
		wanted := map[string][]bool{}
		c.addAll(wanted, project.group(group, 0), "")
		if group == "dev" {
			c.addAll(wanted, project.Tool.UV.Dev, "")
		}
		changes = append(changes, difference(wanted, c.recorded(p.Metadata.RequiresDev[group]), " in the group "+group)...)
	}
	return changes
}

// group returns the requirements of a dependency group and of the groups that it includes.
func (p projectFile) group(name string, depth int) []string {
	var list []string
	for own, items := range p.Groups {
		if normalName(own) != name || depth > maxIncludes {
			continue
		}
		for _, item := range items {
			switch item := item.(type) {
			case string:
				list = append(list, item)
			case map[string]any:
				if other, ok := item["include-group"].(string); ok {
					list = append(list, p.group(normalName(other), depth+1)...)
				}
			}
		}
	}
	return list
}

// comparison compares requirements. Markers are taken as equal if they hold in the same
// environments, because uv rewrites their text.
type comparison struct {
	environments []map[string]string
	// elsewhere are the names of packages that do not come from an index.
	elsewhere []string
}

// environments returns the environments in which markers are evaluated.
func environments(requiresPython string, project projectFile) []map[string]string {
	extras, _ := project.extrasAndGroups()
	var all []map[string]string
	for minor := oldestMinor; minor <= newestMinor; minor++ {
		version := fmt.Sprintf("3.%d.5", minor)
		if !(target{full: version}).isFor(requiresPython) {
			continue
		}
		for _, machine := range [][3]string{{"linux", "Linux", "x86_64"}, {"linux", "Linux", "aarch64"}, {"darwin", "Darwin", "arm64"}, {"win32", "Windows", "AMD64"}} {
			for _, extra := range append([]string{""}, extras...) {
				for _, implementation := range [][2]string{{"CPython", "cpython"}, {"PyPy", "pypy"}} {
					env := target{minor: minor, full: version, machine: machine[2]}.environment()
					env["sys_platform"], env["platform_system"], env["extra"] = machine[0], machine[1], extra
					env["platform_python_implementation"], env["implementation_name"] = implementation[0], implementation[1]
					if machine[0] == "win32" {
						env["os_name"] = "nt"
					}
					all = append(all, env)
				}
			}
		}
	}
	return all
}

var requirementText = lazyregexp.New(`^\s*([A-Za-z0-9][-._A-Za-z0-9]*)\s*(?:\[([^\]]*)\])?\s*(@[^;]*(?:;\S[^;]*)*|[^;]*)(?:;(.*))?$`)

// addAll adds requirements of a pyproject.toml. Those of an extra hold only with it.
func (c comparison) addAll(to map[string][]bool, list []string, extra string) {
	for _, text := range list {
		m := requirementText.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		specifier := strings.Trim(strings.TrimSpace(m[3]), "()")
		if strings.HasPrefix(specifier, "@") {
			specifier = ""
		}
		c.add(to, m[1], strings.Split(m[2], ","), specifier, m[4], extra)
	}
}

// recorded returns the requirements that a lock recorded.
func (c comparison) recorded(list []lockedRequirement) map[string][]bool {
	all := map[string][]bool{}
	for _, r := range list {
		c.add(all, r.Name, r.Extras, r.Specifier, r.Marker, "")
	}
	return all
}

func (c comparison) add(to map[string][]bool, name string, extras []string, specifier, condition, extra string) {
	key := normalName(name)
	extras = slices.DeleteFunc(slices.Clone(extras), func(e string) bool { return strings.TrimSpace(e) == "" })
	for n := range extras {
		extras[n] = strings.TrimSpace(extras[n])
	}
	if len(extras) > 0 {
		key += "[" + strings.Join(normalNames(extras), ",") + "]"
	}
	if !slices.Contains(c.elsewhere, normalName(name)) {
		key += strings.Join(specifiers(specifier), ",")
	}
	if to[key] == nil {
		to[key] = make([]bool, len(c.environments))
	}
	var m marker
	if condition = strings.TrimSpace(condition); condition != "" {
		m, _ = parseMarker(condition) // a marker that cannot be parsed holds nowhere, on both sides
	}
	for n, env := range c.environments {
		holds := condition == "" || m != nil && m.holds(env)
		to[key][n] = to[key][n] || holds && (extra == "" || env["extra"] == extra)
	}
}

// difference describes the requirements that are in only one of the two, or whose markers
// differ.
func difference(wanted, noted map[string][]bool, where string) []string {
	var changes []string
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		switch had, ok := noted[key]; {
		case !slices.Contains(wanted[key], true): // it applies nowhere
		case !ok:
			changes = append(changes, key+where+" was added")
		case !slices.Equal(had, wanted[key]):
			changes = append(changes, key+where+" has another marker")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(noted)) {
		if _, ok := wanted[key]; !ok && slices.Contains(noted[key], true) {
			changes = append(changes, key+where+" was removed")
		}
	}
	return changes
}

// specifiers returns the clauses of a version specifier, sorted and without blanks.
func specifiers(text string) []string {
	var all []string
	for clause := range strings.SplitSeq(text, ",") {
		if clause = strings.Join(strings.Fields(clause), ""); clause != "" {
			all = append(all, clause)
		}
	}
	slices.Sort(all)
	return all
}

// cutSpecifier splits a clause into its operator and its version.
func cutSpecifier(clause string) (operator, version string) {
	version = strings.TrimLeft(clause, "<>=!~")
	return strings.TrimSuffix(clause, version), version
}
