// Package lock reads and writes slipway.lock, which is beside slipway.yaml. It has the versions and
// hashes of what slipway.yaml names without them, so that every machine makes the same image.
package lock

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/atomicfile"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

const (
	// Name is the name of the file.
	Name = "slipway.lock"
	// version is the version of its format.
	version = 1
	// maxSize limits its size in bytes. A package takes some 300.
	maxSize = 64 << 20
	// patience is how long another process may write the file.
	patience = 10 * time.Second
)

// file is the content of slipway.lock.
type file struct {
	Version int `json:"version"`
	// Images has what images are made of, by their names and their platforms.
	Images map[string]map[string]*Image `json:"images"`
	// Bases has the bases that are made of Debian packages alone, by their names, such as
	// apt:bookworm, and their platforms.
	Bases map[string]map[string]*System `json:"bases,omitempty"`
}

// Image is what the image of one platform is made of.
type Image struct {
	System System `json:"system"`
}

// System are the Debian packages that are added to a base.
type System struct {
	// Requested are the packages that slipway.yaml names, sorted.
	Requested []string `json:"requested"`
	// Distribution is the id of the base's distribution, such as debian: os-release(5).
	Distribution string `json:"distribution"`
	// Packages are these and what they depend on, without what the base has, sorted by name.
	Packages []Package `json:"packages"`
}

// Package is a package in one version.
type Package struct {
	Name         string `json:"name"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	// URL is the address that the base's apt sources give for the file, without mirrors.
	URL string `json:"url"`
	// Size is in bytes, and SHA256 in hexadecimal.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// read returns the file in a directory, which is empty if it does not exist. An error has the
// position in the file.
func read(dir string) (*file, error) {
	f := &file{Version: version}
	name := filepath.Join(dir, Name)
	text, err := source.ReadFile(nil, name, maxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	at := source.Position{File: Name, Line: 1, Column: 1}
	refuse := func(format string, args ...any) (*file, error) {
		return nil, &source.Error{Position: at, Message: fmt.Sprintf(format, args...), Hint: "restore it from git, or remove it: slipway build writes a new one"}
	}
	if irregular := new(source.IrregularError); errors.As(err, &irregular) {
		return refuse("it %v", irregular)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, f); err != nil {
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			at.Line = 1 + bytes.Count(text[:min(max(int(syntax.Offset)-1, 0), len(text))], []byte("\n"))
		}
		if bytes.Contains(text, []byte("\n<<<<<<< ")) {
			return refuse("it has a merge conflict")
		}
		return refuse("it is not the JSON that slipway build writes: %v", err)
	}
	if f.Version > version {
		return nil, &source.Error{Position: at, Message: fmt.Sprintf("it is of the format %d, which a newer slipway wrote", f.Version), Hint: "use that version of slipway"}
	}
	for image, platforms := range f.Images {
		for platform, one := range platforms {
			if one == nil {
				return refuse("images.%s.%s has no value", image, platform)
			}
			if wrong := one.System.invalid(); wrong != "" {
				return refuse("the package %q of image %s has no valid name, version, address, size or hash", wrong, image)
			}
		}
	}
	for base, platforms := range f.Bases {
		for platform, one := range platforms {
			if one == nil {
				return refuse("bases.%s.%s has no value", base, platform)
			}
			if wrong := one.invalid(); wrong != "" {
				return refuse("the package %q of the base %s has no valid name, version, address, size or hash", wrong, base)
			}
		}
	}
	return f, nil
}

var (
	nameForm = lazyregexp.New(`^[a-z0-9][a-z0-9+.-]*$`)
	hashForm = lazyregexp.New(`^[0-9a-f]{64}$`)
)

func (p Package) valid() bool {
	return nameForm.MatchString(p.Name) && p.Version != "" && nameForm.MatchString(p.Architecture) && p.Size >= 0 && hashForm.MatchString(p.SHA256) &&
		(strings.HasPrefix(p.URL, "http://") || strings.HasPrefix(p.URL, "https://"))
}

// invalid returns the name of a package that is not valid, or "".
func (s System) invalid() string {
	for _, p := range s.Packages {
		if !p.valid() {
			return cmp.Or(p.Name, "?")
		}
	}
	return ""
}

// SystemOf returns the system packages of an image for a platform in the file in a directory, and
// false if it has none. A file that cannot be read is a *source.Error.
func SystemOf(dir, image, platform string) (System, bool, error) {
	f, err := read(dir)
	if err != nil {
		return System{}, false, err
	}
	one, ok := f.Images[image][platform]
	if !ok {
		return System{}, false, nil
	}
	return one.System, true, nil
}

// BaseOf returns the packages of a base for a platform in the file in a directory, and false if it
// has none. A file that cannot be read is a *source.Error.
func BaseOf(dir, base, platform string) (System, bool, error) {
	f, err := read(dir)
	if err != nil || f.Bases[base][platform] == nil {
		return System{}, false, err
	}
	return *f.Bases[base][platform], true, nil
}

// SetSystem writes the system packages of an image, by platform, into the file in a directory. It
// keeps other images and platforms. Several processes may call it at once.
func SetSystem(dir, image string, systems map[string]System) error {
	return update(dir, func(f *file) {
		if f.Images[image] == nil {
			f.Images[image] = map[string]*Image{}
		}
		for platform, system := range systems {
			f.Images[image][platform] = &Image{System: system}
		}
	})
}

// SetBase writes the packages of a base, by platform, as SetSystem does those of an image.
func SetBase(dir, base string, systems map[string]System) error {
	return update(dir, func(f *file) {
		if f.Bases == nil {
			f.Bases = map[string]map[string]*System{}
		}
		if f.Bases[base] == nil {
			f.Bases[base] = map[string]*System{}
		}
		for platform, system := range systems {
			f.Bases[base][platform] = &system
		}
	})
}

// update changes the file in a directory.
func update(dir string, change func(*file)) error {
	if err := state.Make(dir); err != nil {
		return err
	}
	guard := flock.New(filepath.Join(state.Dir(dir), "lock"))
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if ok, err := guard.TryLock(); err != nil {
			return err
		} else if ok {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s is being written by another process; run it again when that has ended", Name)
		}
	}
	defer func() { _ = guard.Unlock() }()
	f, err := read(dir)
	if err != nil {
		return err
	}
	if f.Images == nil {
		f.Images = map[string]map[string]*Image{}
	}
	change(f)
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, Name), append(text, '\n'), 0o644)
}

// Sorted returns the packages that slipway.yaml names as Requested has them.
func Sorted(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
