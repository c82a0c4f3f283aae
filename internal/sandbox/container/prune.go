package container

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// keepBytes and keepImages bound what unpacked images take.
	keepBytes  = 10 << 30
	keepImages = 20
	// fresh is how long ago an image was asked for at least that may be removed:
	// whoever asked starts containers in it.
	fresh = time.Hour
	// retired begins the names of images that were replaced while containers ran in
	// them.
	retired = ".retired-"
)

// use keeps an image while a container runs in it.
func (r *Runtime) use(i *Image) (release func()) {
	r.using.Lock()
	defer r.using.Unlock()
	if r.inUse == nil {
		r.inUse = map[string]int{}
	}
	name := i.Digest.Hex
	r.inUse[name]++
	return func() {
		r.using.Lock()
		defer r.using.Unlock()
		if r.inUse[name]--; r.inUse[name] == 0 {
			delete(r.inUse, name)
		}
	}
}

func (r *Runtime) used(name string) bool {
	r.using.Lock()
	defer r.using.Unlock()
	return r.inUse[name] > 0
}

// retire makes room for an image that is unpacked anew. Containers that run in it
// keep what they see.
func (r *Runtime) retire(dir string) error {
	if !r.used(filepath.Base(dir)) {
		return Remove(dir)
	}
	aside, err := os.MkdirTemp(filepath.Dir(dir), retired)
	if err != nil {
		return err
	}
	return errors.Join(os.Remove(aside), os.Rename(dir, aside))
}

// unpackedImage is an image that may be removed.
type unpackedImage struct {
	dir    string
	used   time.Time
	layers []v1.Hash
	// kept: a container runs in it, or will soon.
	kept bool
}

// prune removes images that were not used for the longest, and layers that no image
// has, until what is left is within bounds. Where somebody unpacks at the moment it
// does nothing: who comes later does it.
func (r *Runtime) prune() {
	lock := flock.New(filepath.Join(r.options.Dir, storeLock))
	if ok, err := lock.TryLock(); err != nil || !ok {
		return
	}
	defer lock.Unlock()
	images := r.prunable()
	layers := r.layerSizes()
	users := map[string]int{}
	for _, i := range images {
		for _, l := range i.layers {
			users[l.Hex]++
		}
	}
	total := func() (sum int64) {
		for name, size := range layers {
			if users[name] > 0 {
				sum += size
			}
		}
		return sum
	}
	left := len(images)
	for _, i := range images { // the oldest first
		if i.kept || left <= keepImages && total() <= r.keep() {
			continue
		}
		if Remove(i.dir) != nil {
			continue
		}
		_ = os.Remove(i.dir + ".lock")
		left--
		for _, l := range i.layers {
			users[l.Hex]--
		}
	}
	for name := range layers {
		if users[name] == 0 {
			dir := filepath.Join(r.options.Dir, layersDir, name)
			_ = errors.Join(Remove(dir), os.Remove(dir+".lock"))
		}
	}
}

func (r *Runtime) keep() int64 { return cmp.Or(r.options.Keep, keepBytes) }

// prunable gives the unpacked images, the one that was not used for longest first,
// and removes what is none.
func (r *Runtime) prunable() []unpackedImage {
	var all []unpackedImage
	r.using.Lock()
	idle := len(r.inUse) == 0
	r.using.Unlock()
	for _, dir := range directories(filepath.Join(r.options.Dir, imagesDir)) {
		name := filepath.Base(dir)
		if strings.HasPrefix(name, ".") {
			if idle || !strings.HasPrefix(name, retired) {
				_ = Remove(dir)
			}
			continue
		}
		i := unpackedImage{dir: dir, kept: r.used(name)}
		if info, err := os.Stat(filepath.Join(dir, configEntry)); err == nil {
			i.used = info.ModTime()
			i.kept = i.kept || time.Since(i.used) < fresh
		}
		if k, err := readKept(dir); err == nil {
			i.layers = k.Layers
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b unpackedImage) int { return a.used.Compare(b.used) })
	return all
}

// layerSizes gives the sizes of the layers that are kept, by their names.
func (r *Runtime) layerSizes() map[string]int64 {
	sizes := map[string]int64{}
	for _, dir := range directories(filepath.Join(r.options.Dir, layersDir)) {
		c := content{dir: dir}
		_ = readList(filepath.Join(dir, entriesEntry), &c.Entries)
		sizes[filepath.Base(dir)] = c.size()
	}
	return sizes
}

func directories(in string) []string {
	entries, err := os.ReadDir(in)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, e := range entries {
		if e.Type()&fs.ModeDir != 0 {
			dirs = append(dirs, filepath.Join(in, e.Name()))
		}
	}
	return dirs
}
