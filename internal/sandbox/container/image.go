package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is an unpacked image. All containers share its files, so they must not be
// changed.
type Image struct {
	Reference string
	// Digest is the manifest's digest.
	Digest v1.Hash
	// Root is the directory with the image's files.
	Root   string
	Config ImageConfig
}

// ImageConfig is the part of an OCI image's configuration that a container needs.
type ImageConfig struct {
	OS, Architecture string
	Entrypoint, Cmd  []string
	Env              []string
	WorkingDir       string
	// User is the user that the image asks for. It is ignored: containers run as root of
	// their user namespace, since only one user of the machine can be mapped.
	User string
}

// Platform returns the platform, such as linux/amd64.
func (c ImageConfig) Platform() string { return c.OS + "/" + c.Architecture }

const (
	rootEntry   = "rootfs"
	configEntry = "config.json"
	listEntry   = "list"
)

// Progress is how much of an image was pulled, in compressed bytes. Layers that are on
// disk already do not count.
type Progress struct{ Done, Whole int64 }

// Image pulls an image and unpacks it to images/<digest>/rootfs. Each layer is pulled and
// unpacked once, to layers/<digest>, and images have hard links to its files.
//
// Only one of several concurrent calls does the work, also across processes; the others
// wait for it. Image does again what a killed process left unfinished, and unpacks again
// what no longer has its recorded sizes and times. It does not pull a reference by digest
// that was unpacked before.
//
// Modes and times of files are kept, except that setuid and setgid are dropped and the
// owner can always read. Owners are ignored and device nodes are left out.
//
// If layers have to be pulled, tell is called first with their total size and then at
// each fiftieth of it. It may be nil. Cancelling ctx stops the pull.
func (r *Runtime) Image(ctx context.Context, reference string, tell func(Progress)) (*Image, error) {
	image, fresh, err := r.image(ctx, reference, tell)
	if err == nil && fresh {
		r.prune()
	}
	return image, err
}

// image is Image without pruning. It also reports whether it unpacked something.
func (r *Runtime) image(ctx context.Context, reference string, tell func(Progress)) (_ *Image, fresh bool, err error) {
	unlock, err := r.share(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("unpack image %s: %w", reference, err)
	}
	defer unlock()
	if _, text, ok := strings.Cut(reference, "@"); ok {
		if digest, err := v1.NewHash(text); err == nil {
			if image, err := r.unpacked(reference, digest); err == nil {
				return image, false, nil
			}
		}
	}
	pulled, err := r.options.Pull(ctx, reference)
	if err != nil {
		return nil, false, fmt.Errorf("pull image %s: %w", reference, err)
	}
	digest, err := pulled.Digest()
	if err != nil {
		return nil, false, fmt.Errorf("pull image %s: %w", reference, err)
	}
	if image, err := r.unpacked(reference, digest); err == nil {
		return image, false, nil
	}
	image, err := r.unpack(ctx, reference, digest, pulled, tell)
	if err != nil {
		return nil, false, fmt.Errorf("unpack image %s: %w", reference, err)
	}
	return image, true, nil
}

func (r *Runtime) imageDir(digest v1.Hash) string {
	return filepath.Join(r.options.Dir, imagesDir, digest.Hex)
}

func (r *Runtime) layerDir(digest v1.Hash) string {
	return filepath.Join(r.options.Dir, layersDir, digest.Hex)
}

// imageMetadata is the metadata of an unpacked image, as stored in its file.
type imageMetadata struct {
	ImageConfig
	Layers []v1.Hash
}

// unpacked returns the image if it is on disk and undamaged.
func (r *Runtime) unpacked(reference string, digest v1.Hash) (*Image, error) {
	dir := r.imageDir(digest)
	k, err := readImageMetadata(dir)
	if err != nil {
		return nil, err
	}
	image := &Image{Reference: reference, Digest: digest, Root: filepath.Join(dir, rootEntry), Config: k.ImageConfig}
	var files []listed
	if err := readList(filepath.Join(dir, listEntry), &files); err != nil {
		return nil, err
	}
	for i := range files {
		if err := files[i].same(image.Root); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	_ = os.Chtimes(filepath.Join(dir, configEntry), now, now) // for prune
	return image, nil
}

func readImageMetadata(dir string) (imageMetadata, error) {
	var k imageMetadata
	text, err := os.ReadFile(filepath.Join(dir, configEntry))
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(text, &k)
}

func (r *Runtime) unpack(ctx context.Context, reference string, digest v1.Hash, from v1.Image, tell func(Progress)) (*Image, error) {
	final := r.imageDir(digest)
	unlock, err := hold(ctx, final)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if image, err := r.unpacked(reference, digest); err == nil {
		return image, nil
	}
	layers, err := from.Layers()
	if err != nil {
		return nil, fmt.Errorf("read its layers: %w", err)
	}
	contents, err := r.contents(ctx, layers, tell)
	if err != nil {
		return nil, err
	}
	temporary := hidden(final) // may exist, left by a killed process
	if err := errors.Join(Remove(temporary), r.retire(final)); err != nil {
		return nil, err
	}
	if err := compose(ctx, temporary, from, contents); err != nil {
		return nil, errors.Join(err, Remove(temporary))
	}
	if err := os.Rename(temporary, final); err != nil {
		return nil, errors.Join(err, Remove(temporary))
	}
	return r.unpacked(reference, digest)
}

// compose builds the files of an image from its layers, in the new directory dir.
func compose(ctx context.Context, dir string, from v1.Image, layers []*content) error {
	file, err := from.ConfigFile()
	if err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	root := filepath.Join(dir, rootEntry)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	t, err := openTree(root)
	if err != nil {
		return err
	}
	defer t.close()
	c := file.Config
	k := imageMetadata{ImageConfig: ImageConfig{
		OS: file.OS, Architecture: file.Architecture,
		Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, WorkingDir: c.WorkingDir, User: c.User,
	}}
	for _, l := range layers {
		if err := ctx.Err(); err != nil {
			return err
		}
		digest := v1.Hash{Algorithm: "sha256", Hex: filepath.Base(l.dir)}
		if err := l.apply(t); err != nil {
			return fmt.Errorf("layer %s: %w", digest, err)
		}
		k.Layers = append(k.Layers, digest)
	}
	files, err := list(root)
	if err != nil {
		return err
	}
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return errors.Join(writeList(filepath.Join(dir, listEntry), files), os.WriteFile(filepath.Join(dir, configEntry), text, 0o600), flush(dir))
}

// Remove removes a directory that held a container or an image. Unlike os.RemoveAll it
// also removes directories from which the container's programs took the permissions to
// read and to search.
func Remove(dir string) error {
	if err := os.RemoveAll(dir); err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := unlock(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// unlock gives the owner all permissions on a directory and those below it. It never
// follows links, even if somebody creates them meanwhile.
func unlock(dir string) error {
	root, err := os.OpenRoot(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), filepath.Base(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be removed is told by who removes it
		}
		if d.IsDir() {
			_ = root.Chmod(path, 0o700)
		}
		return nil
	})
}
