package survey

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Projects returns the directories below the root that look like projects of their own, if
// there are several and the root is none itself: those with a list of packages, a lock, or a
// Dockerfile with programs beside it.
func (r *Repository) Projects() []string {
	marked := map[string]bool{}
	for _, list := range [][]Packages{r.Locks, r.Requirements} {
		for _, p := range list {
			if dir := path.Dir(p.Path()); !development.MatchString(p.Path()) && path.Base(dir) != "requirements" {
				marked[dir] = true
			}
		}
	}
	if marked["."] || slices.ContainsFunc(r.Polyaxonfiles, func(p Polyaxonfile) bool { return !strings.Contains(p.Path(), "/") }) {
		return nil
	}
	var all []string
	for dir := range marked {
		holdsPrograms := slices.ContainsFunc(r.Files, func(name string) bool {
			return path.Ext(name) == ".py" && strings.HasPrefix(name, dir+"/") || path.Ext(name) == ".ipynb" && strings.HasPrefix(name, dir+"/")
		})
		inAnother := slices.ContainsFunc(parents(dir+"/x"), func(above string) bool { return above != dir && marked[above] })
		if holdsPrograms && !inAnother {
			all = append(all, dir)
		}
	}
	if slices.Sort(all); len(all) < 2 {
		return nil
	}
	return all
}

// IsHome reports whether dir is the home directory, or the root of the file system.
func IsHome(dir, home string) bool {
	real := func(dir string) string {
		if full, err := filepath.Abs(dir); err == nil {
			dir = full
		}
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			dir = resolved
		}
		return dir
	}
	at := real(dir)
	return at == filepath.Dir(at) || home != "" && at == real(home)
}
