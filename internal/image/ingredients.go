package image

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/registry"
)

// Ingredients describe what an image is made of. Each map has names and short hashes or
// versions that change when the thing changes. Ingredients are shown to users, and are not
// part of an image's identity.
type Ingredients struct {
	// Base has the references by digest of the images that the image starts from, or is
	// empty.
	Base     string            `json:"base,omitempty"`
	Files    map[string]string `json:"files,omitempty"`
	Packages map[string]string `json:"packages,omitempty"`
	System   map[string]string `json:"system,omitempty"`
	Settings map[string]string `json:"settings,omitempty"`
}

// ingredients returns the ingredients of a recipe whose packages are known. Values of
// environment variables are hashed.
func (r *Recipe) ingredients() Ingredients {
	c := Ingredients{Files: map[string]string{}, Packages: map[string]string{}, Settings: map[string]string{}}
	c.Base = r.base.String()
	for _, one := range r.contents {
		if one.description == programContent {
			c.Settings["the program "+path.Base(one.entries[0].name)] = short([]byte(one.fingerprint))
			continue
		}
		for _, e := range one.entries {
			c.Files[e.file] = e.short()
		}
	}
	for _, p := range r.packages {
		c.Packages[p.Name] = p.Version + " " + p.SHA256[:min(len(p.SHA256), 12)]
	}
	packages := r.debs()
	if len(packages) > 0 {
		c.System = map[string]string{}
	}
	for _, p := range packages {
		c.System[p.Name] = p.Version + " " + p.SHA256[:12]
	}
	s := r.spec
	for name, value := range map[string]string{"kind": s.Kind, "workdir": s.Workdir, "user": s.User, "entrypoint": strings.Join(s.Entrypoint, "\x00"), "command": strings.Join(s.Command, "\x00"), "source": s.Source, "python": s.Interpreter + s.Python} {
		c.Set(name, value)
	}
	for name, value := range s.Env {
		c.Set("env "+name, value)
	}
	return c
}

// description is what an image is made of.
type description struct {
	// encoded are the ingredients, encoded. They are empty if they are too large.
	encoded string
	// changed are the differences from older ingredients.
	changed []string
}

// describe compares ingredients with older ones, which may be nil, and encodes them.
func describe(now Ingredients, old *Ingredients) (d description, err error) {
	if old != nil {
		d.changed = now.since(*old)
	}
	d.encoded, err = now.encode()
	return d, err
}

// Set records a setting. It keeps a hash of the value only.
func (c *Ingredients) Set(name, value string) {
	if c.Settings == nil {
		c.Settings = map[string]string{}
	}
	c.Settings[name] = short([]byte(value))
}

// Sums returns short hashes of the content, mode and link target of files, by their paths.
// The paths are relative to s.Dir, with slashes. Files that have not changed since the last
// build are not read again.
func Sums(ctx context.Context, s Spec, files []string) (map[string]string, error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the tree of image %s: %w", s.Name, err)
	}
	defer root.Close()
	entries := make([]entry, 0, len(files))
	for _, file := range files {
		info, err := root.Lstat(filepath.FromSlash(file))
		if err != nil {
			return nil, err
		}
		e := entry{file: file, mode: 0o644, info: info}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if e.link, err = root.Readlink(filepath.FromSlash(file)); err != nil {
				return nil, err
			}
		case info.Mode()&0o111 != 0:
			e.mode = 0o755
		}
		entries = append(entries, e)
	}
	known := openStamps(s)
	if _, err := readEntries(ctx, root, entries, known); err != nil {
		return nil, err
	}
	_ = known.save() // the next build reads the files again
	sums := map[string]string{}
	for _, e := range entries {
		sums[e.file] = e.short()
	}
	return sums, nil
}

// short returns a short hash of the content, mode, link target and owner.
func (e entry) short() string {
	return short(fmt.Appendf(nil, "%x %o %s %v", e.sum, e.mode, e.link, e.owner))
}

// short returns the first 12 digits of the SHA-256 of text.
func short(text []byte) string {
	sum := registry.DigestOf(text)
	return sum.Hex[:12]
}

// since describes the differences from older ingredients.
func (c Ingredients) since(old Ingredients) []string {
	var all []string
	if c.Base != old.Base {
		all = append(all, "the base")
	}
	compare := func(now, before map[string]string, tell func(name, now, before string) string) {
		names := map[string]bool{}
		for _, m := range []map[string]string{now, before} {
			for name := range m {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if now[name] != before[name] {
				all = append(all, tell(name, now[name], before[name]))
			}
		}
	}
	describe := func(name, now, before string) string {
		switch {
		case before == "":
			return name + " (new)"
		case now == "":
			return name + " (removed)"
		}
		return name
	}
	compare(c.Files, old.Files, describe)
	versioned := func(name, now, before string) string {
		is, _, _ := strings.Cut(now, " ")
		was, _, _ := strings.Cut(before, " ")
		if is == "" || was == "" || is == was {
			return describe(strings.TrimSpace(name+" "+cmp.Or(is, was)), now, before)
		}
		return name + " " + was + " -> " + is
	}
	compare(c.System, old.System, versioned)
	compare(c.Packages, old.Packages, versioned)
	compare(c.Settings, old.Settings, describe)
	return all
}
