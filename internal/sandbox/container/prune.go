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
	// keepBytes and keepImages limit the disk space of unpacked images.
	keepBytes  = 10 << 30
	keepImages = 20
	// minIdle is the age below which an image is not removed: whoever requested it may not
	// have started its containers yet.
	minIdle = time.Hour
	// retired is the prefix of the names of images that were replaced while containers
	// ran in them.
	retired = ".retired-"
)

// use marks an image as used by a container. Calling release ends that.
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

// retire removes or renames a damaged image before it is unpacked again. Containers that
// run in it keep its files.
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
	// kept reports whether a container runs in it or may run in it soon.
	kept bool
}

// prune removes the least recently used images, and layers that no image uses, until the
// rest is within the limits. It does nothing while another process or goroutine unpacks
// an image; a later call will do it.
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
	for _, i := range images { // the least recently used first
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

// prunable returns the unpacked images, least recently used first. It removes the remains
// of unfinished and retired images.
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
			i.kept = i.kept || time.Since(i.used) < minIdle
		}
		if k, err := readImageMetadata(dir); err == nil {
			i.layers = k.Layers
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b unpackedImage) int { return a.used.Compare(b.used) })
	return all
}

// layerSizes returns the sizes in bytes of the layers on disk, by name.
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
