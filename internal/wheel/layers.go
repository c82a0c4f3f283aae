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
	// largePackage is the size in bytes from which a package has its own layer. A layer that
	// changes is uploaded as a whole, while each layer costs one or two requests whatever
	// its size.
	largePackage = 2 << 20
	// sharedLayers is the number of layers that the small packages share.
	sharedLayers = 8
	// ownLayer distinguishes the layer of one package from a shared layer of the same name.
	ownLayer = "own "
)

// assemble installs the packages and divides their files into layers.
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
	skeleton := s.emptyVenv(t)
	overlaps, err := s.resolveOverlaps(archives, trees, skeleton, ranks)
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

// finish adds RECORD to the files of a package, and describes the package.
func (s Spec) finish(t target, a *archive, files tree) (Package, error) {
	p := Package{Name: a.requirement.name, Version: a.metadata.version, License: a.metadata.license, SHA256: a.wheel.sum, Filename: a.file, Size: a.wheel.size}
	err := s.addRecord(t, a, files)
	for _, f := range files {
		p.Unpacked += f.Size
	}
	return p, err
}

// newLayer returns the layer with the given files, which must be sorted by path.
func newLayer(name string, files []File) Layer {
	return Layer{strings.TrimPrefix(name, ownLayer), fingerprint(files), files}
}

// layerOf returns the name of the layer for a package. It depends on that package only, so
// that adding or removing others does not change it.
func layerOf(p Package) string {
	if p.Unpacked >= largePackage {
		return ownLayer + p.Name
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.Name)) // Write of a hash never fails
	return fmt.Sprintf("small-%d", h.Sum32()%sharedLayers)
}

// fingerprint returns the identity of a layer's files. Files are packed as their wheels
// store them, so it includes the hashes of the wheels.
func fingerprint(files []File) string {
	h := sha256.New()
	fmt.Fprintf(h, "python layer/%s\n", formatVersion)
	for _, f := range files {
		fmt.Fprintf(h, "%q %o %q %d %s %s\n", f.Path, f.Mode, f.Link, f.Size, f.sum, f.wheel)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// emptyVenv returns a virtual environment without packages, as venv creates it (PEP 405).
func (s Spec) emptyVenv(t target) tree {
	version := t.requestedPython
	config := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n", path.Dir(s.Interpreter), version)
	bin := path.Join(s.Root, "bin")
	files := tree{}
	for _, f := range []File{
		generatedFile(path.Join(s.Root, "pyvenv.cfg"), 0o644, []byte(config)),
		link(path.Join(bin, "python"), s.Interpreter),
		link(path.Join(bin, "python3"), "python"),
		link(path.Join(bin, "python"+t.python()), "python"),
		link(path.Join(s.Root, "lib64"), "lib"), // distributions put platform-specific packages there
	} {
		files[f.Path] = f
	}
	return files
}

// resolveOverlaps removes a file that is in several packages from all but one. If the copies
// are equal, the first package keeps it. Otherwise the last one does, and the overlap is
// returned. Ranks are the order of the packages.
func (s Spec) resolveOverlaps(archives []*archive, trees []tree, skeleton tree, ranks map[string]int) ([]Overlap, error) {
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
