package transfer

import (
	"path"
	"path/filepath"
)

// checkLinksToGit returns a *NameError if a link of the target leads a file into git's own directory. A repository may
// have such links, and GitProblem sees only the names. Who gives a path in there means it.
func (j *job) checkLinksToGit(names []string) error {
	if GitProblem(filepath.ToSlash(j.To.Dir)) != "" {
		return nil
	}
	checked := map[string]bool{}
	for _, name := range names {
		for dir := path.Dir(j.target(name)); !checked[dir]; dir = path.Dir(dir) {
			checked[dir] = true
			at := filepath.Join(j.To.Dir, filepath.FromSlash(dir))
			if problem := GitProblem(filepath.ToSlash(resolved(at))); problem != "" {
				return &NameError{name, problem + ": " + path.Join(filepath.ToSlash(j.To.Text), dir) + " is a link that leads there, or is below one; remove the link"}
			}
		}
	}
	return nil
}

// resolved returns where the links of a path lead, as far as it exists.
func resolved(at string) string {
	for {
		real, err := filepath.EvalSymlinks(at)
		if above := filepath.Dir(at); err != nil && above != at {
			at = above
			continue
		}
		return real
	}
}
