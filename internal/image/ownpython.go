package image

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/wheel"
)

// checkEnvironment returns an error if the base has an environment at the place of the image's, with one of the
// packages in another version. A layer adds files and deletes none, so the image would have files of both.
func (r *Recipe) checkEnvironment(ctx context.Context, parent *base) error {
	library := parent.python.library()
	if library == "" {
		return nil
	}
	had := map[string]string{}
	site := path.Join(environmentRoot, library, "site-packages")
	err := parent.withFS(ctx, func(fs *rootfs.FS) {
		for _, dir := range fs.Directories(site) {
			if name, version, ok := wheel.Installed(dir); ok {
				had[name] = version
			}
		}
	})
	if err != nil {
		return err
	}
	var mixed []string
	for _, p := range r.packages {
		if version, ok := had[p.Name]; ok && !wheel.SameVersion(version, p.Version) {
			mixed = append(mixed, fmt.Sprintf("%s %s, and %s has %s", p.Name, version, r.spec.Requirements, p.Version))
		}
	}
	if len(mixed) == 0 {
		return nil
	}
	return refuseBase(r.spec, nil, "lock the versions of the base, or use a base that has nothing at "+environmentRoot, "has packages in %s, and files of two versions would be mixed: %s", environmentRoot, listed(mixed))
}

// noteHidden names the packages that the base has beside its interpreter, and that the environment does not have:
// programs of the image do not see them. It does not read the base for that.
func (r *Recipe) noteHidden(ctx context.Context, parent *base) error {
	library, prefix := parent.python.library(), path.Dir(path.Dir(wheelSpec(r.spec, *parent.python).Interpreter))
	if library == "" {
		return nil
	}
	had := map[string]string{}
	err := parent.withFS(ctx, func(fs *rootfs.FS) {
		if !fs.Whole() {
			return
		}
		for _, site := range []string{path.Join(library, "site-packages"), path.Join(library, "dist-packages"), "lib/python3/dist-packages"} {
			for _, dir := range fs.Directories(path.Join(prefix, site)) {
				if name, version, ok := wheel.Installed(dir); ok {
					had[name] = version
				}
			}
		}
	})
	if err != nil {
		return err
	}
	for _, p := range r.packages {
		delete(had, p.Name)
	}
	for _, tool := range []string{"pip", "setuptools", "wheel"} { // which any Python may have
		delete(had, tool)
	}
	if len(had) == 0 {
		return nil
	}
	var hidden []string
	for _, name := range slices.Sorted(maps.Keys(had)) {
		hidden = append(hidden, name+" "+had[name])
	}
	r.spec.Notify(Note, "image %s: programs do not see the Python packages that the base %s has below %s and %s has not: %s; lock those that they import",
		r.Name, r.spec.Base, prefix, r.spec.Requirements, listed(hidden))
	return nil
}

// warnOfPath warns if the base has a search path for modules with packages, which come before those of the image.
func (r *Recipe) warnOfPath(base []string) {
	search := variable(base, pythonPath)
	if _, own := r.spec.Env[pythonPath]; own {
		return
	}
	dirs := strings.Split(search, ":")
	if n := slices.IndexFunc(dirs, func(dir string) bool {
		return slices.Contains([]string{"site-packages", "dist-packages"}, path.Base(dir))
	}); n >= 0 {
		r.spec.Notify(Warning, "image %s: the base %s has %s in %s: programs import its packages in place of those of %s; set another %s under env",
			r.Name, r.spec.Base, dirs[n], pythonPath, r.spec.Requirements, pythonPath)
	}
}

// Variables by which a base changes what Python imports. See docs.python.org/3/using/cmdline.html.
const (
	pythonPath = "PYTHONPATH"
	// pythonHome is where Python's library is. It comes before what a virtual environment says of it.
	pythonHome = "PYTHONHOME"
)

// variables returns the spec's variables. For an image with requirements it adds those that
// activating the virtual environment would set, and empties the one that it would unset.
func (s Spec) variables(base []string) map[string]string {
	if s.Kind != KindPython {
		return s.Env
	}
	all := map[string]string{"VIRTUAL_ENV": environmentRoot, "PATH": environmentRoot + "/bin:" + cmp.Or(variable(base, "PATH"), defaultPath)}
	if variable(base, pythonHome) != "" {
		all[pythonHome] = ""
	}
	for name, value := range s.Env {
		all[name] = value
	}
	return all
}

// listed returns the first of some texts, and how many more there are.
func listed(all []string) string {
	const most = 5
	if more := len(all) - most; more > 0 {
		all = append(slices.Clone(all[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, "; ")
}
