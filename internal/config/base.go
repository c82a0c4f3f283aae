package config

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/debian"
	"github.com/slipway-ci/slipway/internal/layout"
	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// ImageScheme begins a text that stands for an image of the same file, such as slipway://api.
const ImageScheme = "slipway://"

// releaseForm matches the name of a Debian release.
var releaseForm = lazyregexp.New(`^[a-z][a-z0-9.-]*$`)

// base returns what the image is built on, as the file has it, and the keys of that value below
// the image.
func (i *Image) base() (text string, keys []string) {
	switch {
	case i.Go != nil:
		return i.Go.Base, []string{"go", "base"}
	case i.Python != nil:
		return i.Python.Base, []string{"python", "base"}
	}
	return i.Base, []string{"base"}
}

// OwnBase returns the name of the image of the same file that the image is built on, or "" if it
// has another base or none.
func (i *Image) OwnBase() string {
	text, _ := i.base()
	if name, ok := strings.CutPrefix(text, ImageScheme); ok {
		return name
	}
	return ""
}

// WithBases returns images and the images that they are built on, each once and after its base,
// and otherwise in the order of images.
func (c *Config) WithBases(images []*Image) []*Image {
	var all []*Image
	var add func(*Image)
	add = func(i *Image) {
		if slices.Contains(all, i) {
			return
		}
		if below := c.Images[i.OwnBase()]; below != nil {
			add(below)
		}
		all = append(all, i)
	}
	for _, i := range images {
		add(i)
	}
	return all
}

// validateBase checks what an image is built on.
func (c *Config) validateBase(i *Image, at []string, fail func(string, []string, string, ...any)) {
	text, below := i.base()
	path := append(slices.Clone(at), below...)
	if onDisk, ok := layout.Parse(text); ok && (onDisk.Path == "" || !onDisk.Inside()) {
		fail("write oci:DIR or archive:FILE.tar", path, "base of image %s must be a path inside the repository, without .. that leaves it, or an absolute path, not %q", i.Name, onDisk.Path)
		return
	}
	if release, ok := debian.ReleaseOf(text); ok && !releaseForm.MatchString(release) {
		fail("write apt: and the name of a Debian release, such as apt:bookworm", path, "%q is not a base of Debian packages", text)
		return
	}
	if !strings.HasPrefix(text, ImageScheme) {
		return
	}
	name := i.OwnBase()
	other := c.Images[name]
	if other == nil {
		fail(suggest(name, c.names.Images), path, "image %s not found", name)
		return
	}
	for _, platform := range i.Platforms {
		if len(other.Platforms) > 0 && !slices.Contains(other.Platforms, platform) {
			fail("add it to the platforms of "+name, append(slices.Clone(at), "platforms"), "image %s is for %s, and its base %s is not", i.Name, platform, name)
		}
	}
}

// validateBases reports images that are built on each other.
func (c *Config) validateBases(fail func(string, []string, string, ...any)) {
	found := cycle(keys(c.Images), func(name string) []string {
		if below := c.Images[name].OwnBase(); c.Images[below] != nil {
			return []string{below}
		}
		return nil
	})
	if found != nil {
		_, below := c.Images[found[0]].base()
		fail("", append([]string{"images", found[0]}, below...), "dependency cycle in base: %s", strings.Join(found, " -> "))
	}
}
