package wheel

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// pylock is the part of a pylock.toml (PEP 751) that is read.
type pylock struct {
	Version       string   `toml:"lock-version"`
	DefaultGroups []string `toml:"default-groups"`
	Extras        []string
	Groups        []string `toml:"dependency-groups"`
	Packages      []struct {
		Name, Version, Marker, Index string
		Wheels                       []pylockFile
		Sdist                        *pylockFile
		Archive, VCS                 map[string]any
		Directory                    *struct{ Path string }
	}
}

type pylockFile struct {
	Name, URL, Path string
	Size            int64
	Hashes          map[string]string
}

func (f pylockFile) locked() lockedFile {
	name := f.Name
	switch {
	case name != "":
	case f.Path != "":
		name = path.Base(f.Path)
	default:
		name = urlFile(f.URL)
	}
	return lockedFile{name, strings.ToLower(f.Hashes["sha256"]), f.URL, f.Size}
}

const howToPylock = "make it with `uv export --format pylock.toml` or `pip lock`"

// parsePylock parses a lock in the standard format.
func (s Spec) parsePylock(read readFile) (*lockContent, error) {
	name := s.Lock
	text, err := read(name)
	if err != nil {
		return nil, err
	}
	var lock pylock
	if err := unmarshal(text, &lock); err != nil {
		return nil, notTOML(name, "it is not a valid pylock.toml", howToPylock, err)
	}
	if major, _, _ := strings.Cut(lock.Version, "."); major != "1" {
		return nil, &source.Error{Position: source.Position{File: name}, Message: fmt.Sprintf("its lock-version is %q, and only 1.0 is supported", lock.Version),
			Hint: howToPylock}
	}
	if err := s.checkExtrasAndGroups(normalNames(lock.Extras), normalNames(lock.Groups)); err != nil {
		return nil, err
	}
	var project projectFile
	if text, err := read(path.Join(path.Dir(name), "pyproject.toml")); err == nil {
		project, _ = parseProject(text)
	}
	extras, groups := normalNames(s.Extras), normalNames(slices.Concat(lock.DefaultGroups, s.Groups))
	result := &lockContent{}
	used := map[string]int{}
	for _, p := range lock.Packages {
		r := requirement{name: normalName(p.Name), version: p.Version, at: packageLine(name, string(text), normalName(p.Name), p.Version)}
		if d := p.Directory; d != nil && (path.Clean(d.Path) == "." || project.isMember(path.Clean(d.Path))) {
			continue // the repository's own code is among the image's files
		}
		if p.Archive != nil || p.VCS != nil || p.Directory != nil {
			return nil, &source.Error{Position: r.at, Message: p.Name + " is taken from a path or URL, which has no wheel on an index",
				Hint: "publish it as a wheel to an index, or add its directory to the image's files"}
		}
		if _, ok := parseVersion(p.Version); !ok || r.name == "" || !requirementName.MatchString(p.Name) || requirementName.FindString(p.Name) != p.Name {
			return nil, &source.Error{Position: r.at, Message: fmt.Sprintf("the package %q has the version %q, which is not exact", p.Name, p.Version), Hint: howToLock}
		}
		if p.Marker != "" {
			if r.marker, err = parseMarker(p.Marker); err != nil {
				return nil, &source.Error{Position: r.at, Message: fmt.Sprintf("the marker of %s is not valid: %s", p.Name, err)}
			}
			r.condition = fmt.Sprintf("%s %q", p.Marker, lock.DefaultGroups)
			r.marker = inGroups{r.marker, strings.Join(extras, " "), strings.Join(groups, " ")}
		}
		files := p.Wheels
		if p.Sdist != nil {
			files = append(slices.Clone(files), *p.Sdist)
		}
		for _, f := range files {
			if file := f.locked(); sha256Text.MatchString(file.sum) {
				r.hashes, r.files = append(r.hashes, file.sum), append(r.files, file)
			}
		}
		used[p.Index]++
		result.requirements = append(result.requirements, r)
	}
	delete(used, "")
	for index := range used {
		result.indexes = append(result.indexes, index)
	}
	result.defaultFirst = true
	// The index of most packages is taken to be the default one of the lock's author.
	slices.SortFunc(result.indexes, func(a, b string) int { return cmp.Or(used[b]-used[a], strings.Compare(a, b)) })
	return result, nil
}

// inGroups is a marker that is evaluated with the wanted extras and dependency groups.
type inGroups struct {
	marker
	extras, groups string
}

func (m inGroups) holds(env map[string]string) bool {
	env = maps.Clone(env)
	env["extras"], env["dependency_groups"] = m.extras, m.groups
	return m.marker.holds(env)
}
