package transfer

import "path"

// checkKinds returns a *NameError if one of the files has the name of a directory of the target, or is in a directory
// that has the name of a file there. Nothing is deleted to make room, as that could be more than was meant.
func (j *job) checkKinds(names []string) error {
	checked := map[string]bool{}
	for _, name := range names {
		if j.to[name] != nil {
			continue
		}
		if info, err := j.toRoot.Stat(name); err == nil && info.IsDir() {
			return &NameError{name, "is a file in " + j.From.Text + ", and a directory in " + j.To.Text + ": remove that, or leave the file out with --exclude"}
		}
		for dir := path.Dir(name); dir != "." && !checked[dir]; dir = path.Dir(dir) {
			checked[dir] = true
			if info, err := j.toRoot.Stat(dir); err == nil && !info.IsDir() {
				return &NameError{dir, "is a directory in " + j.From.Text + ", and a file in " + j.To.Text + ": remove that, or leave the directory out with --exclude"}
			}
		}
	}
	return nil
}
