package wheel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

const (
	// large is the size from which a package has a layer of its own: what changes
	// is sent again, and a layer costs a request or two whatever its size.
	large = 2 << 20
	// buckets is how many layers share the small packages.
	buckets = 8
	// ownLayer tells the layer of one package from a shared one of the same name.
	ownLayer = "own "
)

// assemble lays the packages out, and in layers.
func (s Spec) assemble(ctx context.Context, t target, archives []*archive, ranks map[string]int) (*Environment, error) {
	trees := make([]tree, len(archives))
	for n, a := range archives {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if trees[n], err = s.install(t, a); err != nil {
			return nil, err
		}
	}
	skeleton := s.skeleton(t)
	overlaps, err := s.settle(archives, trees, skeleton, ranks)
	if err != nil {
		return nil, err
	}
	env := &Environment{Overlaps: overlaps}
	layers := map[string][]File{"venv": sorted(skeleton)}
	for n, a := range archives {
		p, err := s.finish(t, a, trees[n])
		if err != nil {
			return nil, err
		}
		env.Packages = append(env.Packages, p)
		name := layerOf(p)
		layers[name] = append(layers[name], sorted(trees[n])...)
	}
	for _, name := range slices.Sorted(maps.Keys(layers)) {
		files := layers[name]
		slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
		env.Layers = append(env.Layers, newLayer(name, files))
	}
	return env, nil
}

// finish adds the RECORD of what a package has installed, and describes the package.
func (s Spec) finish(t target, a *archive, files tree) (Package, error) {
	p := Package{Name: a.requirement.name, Version: a.metadata.version, License: a.metadata.license, SHA256: a.wheel.sum, Filename: a.file, Size: a.wheel.size}
	err := s.addRecord(t, a, files)
	for _, f := range files {
		p.Unpacked += f.Size
	}
	return p, err
}

// newLayer gives the layer of files, which are in order.
func newLayer(name string, files []File) Layer {
	return Layer{strings.TrimPrefix(name, ownLayer), fingerprint(files), files}
}

// layerOf gives the name of the layer that a package is in. It depends on nothing
// but the package, so that others may come and go.
func layerOf(p Package) string {
	if p.Unpacked >= large {
		return ownLayer + p.Name
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.Name)) // a hash takes all
	return fmt.Sprintf("small-%d", h.Sum32()%buckets)
}

// fingerprint is the identity of a layer's files. As they are packed as their wheels have
// them, the wheels count too.
func fingerprint(files []File) string {
	h := sha256.New()
	fmt.Fprintf(h, "python layer/%s\n", edition)
	for _, f := range files {
		fmt.Fprintf(h, "%q %o %q %d %s %s\n", f.Path, f.Mode, f.Link, f.Size, f.sum, f.wheel)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// skeleton is a virtual environment without packages, as venv lays it out (PEP 405).
func (s Spec) skeleton(t target) tree {
	version := t.written
	config := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n", path.Dir(s.Interpreter), version)
	bin := path.Join(s.Root, "bin")
	files := tree{}
	for _, f := range []File{
		made(path.Join(s.Root, "pyvenv.cfg"), 0o644, []byte(config)),
		link(path.Join(bin, "python"), s.Interpreter),
		link(path.Join(bin, "python3"), "python"),
		link(path.Join(bin, "python"+t.python()), "python"),
		link(path.Join(s.Root, "lib64"), "lib"), // where distributions have platform specific packages
	} {
		files[f.Path] = f
	}
	return files
}

// settle takes files that are in several packages from all but one. When they are
// the same the first package keeps it; otherwise the last wins, which is told. Ranks
// are their order.
func (s Spec) settle(archives []*archive, trees []tree, skeleton tree, ranks map[string]int) ([]Overlap, error) {
	var overlaps []Overlap
	owner := map[string]int{}
	order := make([]int, len(archives))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return ranks[archives[a].requirement.name] - ranks[archives[b].requirement.name] })
	for _, n := range order {
		files := trees[n]
		for _, f := range sorted(files) {
			if _, reserved := skeleton[f.Path]; reserved {
				return nil, archives[n].refuse(fmt.Errorf("%s is part of every environment", f.Path))
			}
			before, twice := owner[f.Path]
			switch {
			case !twice:
				owner[f.Path] = n
			case trees[before][f.Path].sum == f.sum && trees[before][f.Path].Mode == f.Mode:
				delete(files, f.Path)
			default:
				delete(trees[before], f.Path)
				owner[f.Path] = n
				overlaps = append(overlaps, Overlap{f.Path, archives[n].requirement.name, archives[before].requirement.name})
			}
		}
	}
	for n, files := range trees {
		for _, f := range sorted(files) {
			for dir := path.Dir(f.Path); dir != "/"; dir = path.Dir(dir) {
				if other, isFile := owner[dir]; isFile {
					return nil, &source.Error{Position: archives[n].at, Message: fmt.Sprintf("%s is a file of %s and a directory of %s", dir, archives[other].requirement.name, archives[n].requirement.name),
						Hint: "they cannot be installed together"}
				}
				if f, isLink := skeleton[dir]; isLink && f.Link != "" {
					return nil, archives[n].refuse(fmt.Errorf("%s is part of every environment", dir))
				}
			}
		}
	}
	slices.SortFunc(overlaps, func(a, b Overlap) int { return strings.Compare(a.Path+"\x00"+a.Kept, b.Path+"\x00"+b.Kept) })
	return overlaps, nil
}

func sorted(files tree) []File {
	list := make([]File, 0, len(files))
	for _, f := range files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list
}
