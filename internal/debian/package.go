package debian

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// Package is a binary package of a repository, or one that the base has.
type Package struct {
	Name, Version, Architecture string
	// URL, Size and SHA256 are those of the file in the repository. The size is in bytes, and the
	// hash in hexadecimal.
	URL    string
	Size   int64
	SHA256 string

	priority, given                       string
	depends, preDepends, conflict, breaks string
	// essential reports whether every Debian system has the package.
	essential bool
	// requested is the package of slipway.yaml for which a resolution chose this one, or "".
	requested string
	// source is the name of its source package.
	source string
	// rank is how much apt prefers this version.
	rank int
}

var (
	nameForm = lazyregexp.New(`^[a-z0-9][a-z0-9+.-]*$`)
	hashForm = lazyregexp.New(`^[0-9a-f]{64}$`)
)

// packageFields are the fields that are read of the packages of an index.
var packageFields = map[string]bool{
	"package": true, "version": true, "architecture": true, "filename": true, "size": true, "sha256": true, "priority": true,
	"provides": true, "depends": true, "pre-depends": true, "conflicts": true, "breaks": true, "status": true, "essential": true, "source": true,
}

// newPackage returns the package that a paragraph describes.
func newPackage(p paragraph) (*Package, error) {
	one := &Package{
		Name: p["package"], Version: p["version"], Architecture: p["architecture"], priority: p["priority"], given: p["provides"],
		depends: p["depends"], preDepends: p["pre-depends"], conflict: p["conflicts"], breaks: p["breaks"], SHA256: p["sha256"], essential: p["essential"] == "yes",
	}
	source, _, _ := strings.Cut(p["source"], " ") // its version may follow
	one.source = cmp.Or(source, one.Name)
	if !nameForm.MatchString(one.Name) || !versionForm.MatchString(one.Version) || !nameForm.MatchString(one.Architecture) {
		return nil, fmt.Errorf("%q in version %q for %q is not a package", one.Name, one.Version, one.Architecture)
	}
	return one, nil
}

// readIndex adds the packages of an index, for an architecture, to all. root is the address that
// the names of their files are relative to. Packages with a negative rank are left out.
func readIndex(r io.Reader, root, architecture string, rank func(*Package) int, all *universe) error {
	return readParagraphs(r, packageFields, func(p paragraph) error {
		one, err := newPackage(p)
		if err != nil {
			return err
		}
		if one.Architecture != architecture && one.Architecture != "all" {
			return nil
		}
		file := path.Clean("/" + p["filename"])
		if one.Size, err = strconv.ParseInt(p["size"], 10, 64); err != nil || one.Size < 0 || file == "/" || !hashForm.MatchString(one.SHA256) {
			return fmt.Errorf("the package %s has no file name, size or SHA256", one.Name)
		}
		if one.rank = rank(one); one.rank < 0 {
			return nil
		}
		one.URL = strings.TrimSuffix(root, "/") + (&url.URL{Path: file}).EscapedPath()
		all.add(one)
		return nil
	})
}

// provides returns what the package provides.
func (p *Package) provides() []relation {
	if p.given == "" {
		return nil
	}
	groups, _ := parseRelations(p.given) // what cannot be read is not provided
	var all []relation
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// needs returns what the package depends on.
func (p *Package) needs() ([]alternatives, error) {
	all, err := parseRelations(cmp.Or(p.preDepends, p.depends))
	if err == nil && p.preDepends != "" {
		var more []alternatives
		more, err = parseRelations(p.depends)
		all = append(all, more...)
	}
	if err != nil {
		return nil, fmt.Errorf("the package %s depends on what cannot be read: %w", p.Name, err)
	}
	return all, nil
}

// excludes returns a relation of the package by which it cannot be installed together with
// another, and false if there is none.
func (p *Package) excludes(other *Package) (relation, bool) {
	if p.Name == other.Name {
		return relation{}, false
	}
	for _, text := range []string{p.conflict, p.breaks} {
		if text == "" {
			continue
		}
		groups, _ := parseRelations(text) // what cannot be read excludes nothing
		for _, g := range groups {
			if g[0].heldBy(other) {
				return g[0], true
			}
		}
	}
	return relation{}, false
}

// universe are all packages that can be installed.
type universe struct {
	byName    map[string][]*Package
	providers map[string][]*Package
}

func newUniverse() *universe {
	return &universe{map[string][]*Package{}, map[string][]*Package{}}
}

func (u *universe) add(p *Package) {
	u.byName[p.Name] = append(u.byName[p.Name], p)
	for _, r := range p.provides() {
		if r.name != p.Name {
			u.providers[r.name] = append(u.providers[r.name], p)
		}
	}
}

// merged is a package that says that a system has the links of rootLinks. Without it, another one
// that would make them is needed.
const merged = "usr-is-merged"

// essential returns the names of the packages that every system has, in the order in which they are
// chosen.
func (u *universe) essential() []string {
	var names []string
	for name, versions := range u.byName {
		if slices.ContainsFunc(versions, func(p *Package) bool { return p.essential }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(u.byName[merged]) > 0 {
		names = append([]string{merged}, names...)
	}
	return names
}

// priorities are the priorities of packages, the most important first. See the Debian policy,
// section 2.5.
var priorities = []string{"required", "important", "standard", "optional", "extra"}

// candidates returns the packages that may satisfy a relation, the best first: those with its
// name before those that provide it, and of each package those that apt prefers, then the newest.
// locked are the versions that come first.
func (u *universe) candidates(r relation, locked map[string]string) []*Package {
	newest := func(a, b *Package) int {
		isLocked := func(p *Package) int {
			if locked[p.Name] == p.Version {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(isLocked(b), isLocked(a)), cmp.Compare(b.rank, a.rank), CompareVersions(b.Version, a.Version), cmp.Compare(a.URL, b.URL))
	}
	named := slices.SortedFunc(slices.Values(u.byName[r.name]), newest)
	providing := slices.SortedFunc(slices.Values(u.providers[r.name]), func(a, b *Package) int {
		place := func(p *Package) int { return slices.Index(priorities, p.priority) }
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Name, b.Name), newest(a, b))
	})
	return slices.DeleteFunc(slices.Concat(named, providing), func(p *Package) bool { return !r.heldBy(p) })
}
