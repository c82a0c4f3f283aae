package transfer

import "path"

// checkKinds returns a *NameError if one of the files has the name of a directory of the target, or is in a directory
// that has the name of a file there. Nothing is deleted to make room, as that could be more than was meant.
func (j *job) checkKinds(names []string) error {
	there, checked := j.kinds(), map[string]bool{}
	for _, name := range names {
		if j.to[name] != nil {
			continue
		}
		if _, dir := there(name); dir {
			return &NameError{name, "is a file in " + j.From.Text + ", and a directory in " + j.To.Text + ": remove that, or leave the file out with --exclude"}
		}
		for dir := path.Dir(name); dir != "." && !checked[dir]; dir = path.Dir(dir) {
			checked[dir] = true
			if file, _ := there(dir); file {
				return &NameError{dir, "is a directory in " + j.From.Text + ", and a file in " + j.To.Text + ": remove that, or leave the directory out with --exclude"}
			}
		}
	}
	return nil
}

// kinds returns a function that reports whether the target has a file of a name, or a directory. A Shell has listed
// the files only: its empty directories are none.
func (j *job) kinds() func(name string) (file, dir bool) {
	if j.toRoot != nil {
		return func(name string) (file, dir bool) {
			info, err := j.toRoot.Stat(name)
			return err == nil && !info.IsDir(), err == nil && info.IsDir()
		}
	}
	dirs := map[string]bool{}
	for name := range j.to {
		for dir := path.Dir(name); dir != "." && !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return func(name string) (file, dir bool) { return j.to[name] != nil, dirs[name] }
}
