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

	"github.com/gofrs/flock"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Image is an unpacked image. Its files are shared by all containers and must not
// be changed.
type Image struct {
	Reference string
	// Digest is the manifest's.
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
	// User is what the image asks for. Containers run as their own root whatever it
	// says, since one user of the machine is all that there is to map.
	User string
}

// Platform gives such as linux/amd64.
func (c ImageConfig) Platform() string { return c.OS + "/" + c.Architecture }

const (
	rootEntry   = "rootfs"
	configEntry = "config.json"
)

// Image pulls an image and unpacks it to images/<digest>/rootfs, once for each
// digest: concurrent calls, in other processes too, wait for the one that works,
// and what a killed one left behind is done again. A reference by digest that was
// unpacked before is not pulled. Modes and times of files are kept, but setuid and
// setgid are dropped, the owner can always read; owners are ignored and device
// nodes are left out.
func (r *Runtime) Image(ctx context.Context, reference string) (*Image, error) {
	if _, text, ok := strings.Cut(reference, "@"); ok {
		if digest, err := v1.NewHash(text); err == nil {
			if image, err := r.unpacked(reference, digest); err == nil {
				return image, nil
			}
		}
	}
	pulled, err := r.options.Pull(ctx, reference)
	if err != nil {
		return nil, fmt.Errorf("pull image %s: %w", reference, err)
	}
	digest, err := pulled.Digest()
	if err != nil {
		return nil, fmt.Errorf("pull image %s: %w", reference, err)
	}
	if image, err := r.unpacked(reference, digest); err == nil {
		return image, nil
	}
	image, err := r.unpack(ctx, reference, digest, pulled)
	if err != nil {
		return nil, fmt.Errorf("unpack image %s: %w", reference, err)
	}
	return image, nil
}

func (r *Runtime) imageDir(digest v1.Hash) string {
	return filepath.Join(r.options.Dir, "images", digest.Hex)
}

// unpacked gives the image when it is there. It is there completely or not at all,
// because its directory came by a rename.
func (r *Runtime) unpacked(reference string, digest v1.Hash) (*Image, error) {
	dir := r.imageDir(digest)
	content, err := os.ReadFile(filepath.Join(dir, configEntry))
	if err != nil {
		return nil, err
	}
	image := &Image{Reference: reference, Digest: digest, Root: filepath.Join(dir, rootEntry)}
	if err := json.Unmarshal(content, &image.Config); err != nil {
		return nil, err
	}
	return image, nil
}

func (r *Runtime) unpack(ctx context.Context, reference string, digest v1.Hash, from v1.Image) (*Image, error) {
	final := r.imageDir(digest)
	parent := filepath.Dir(final)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(final + ".lock")
	if _, err := lock.TryLockContext(ctx, 10*time.Millisecond); err != nil {
		return nil, fmt.Errorf("wait for another process that unpacks it: %w", err)
	}
	defer lock.Unlock()
	if image, err := r.unpacked(reference, digest); err == nil {
		return image, nil
	}

	temporary := filepath.Join(parent, "."+digest.Hex) // may be what a killed process left
	if err := errors.Join(Remove(temporary), Remove(final)); err != nil {
		return nil, err
	}
	if err := write(ctx, temporary, from); err != nil {
		return nil, errors.Join(err, Remove(temporary))
	}
	if err := os.Rename(temporary, final); err != nil {
		return nil, errors.Join(err, Remove(temporary))
	}
	return r.unpacked(reference, digest)
}

// write unpacks an image into the new directory dir.
func write(ctx context.Context, dir string, from v1.Image) error {
	file, err := from.ConfigFile()
	if err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	layers, err := from.Layers()
	if err != nil {
		return fmt.Errorf("read its layers: %w", err)
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
	for _, l := range layers {
		if err := applyLayer(ctx, t, l); err != nil {
			return err
		}
	}
	c := file.Config
	content, err := json.Marshal(ImageConfig{
		OS: file.OS, Architecture: file.Architecture,
		Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env, WorkingDir: c.WorkingDir, User: c.User,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, configEntry), content, 0o600)
}

// Remove removes a directory that a container or an image was in. The container's
// own programs may have taken the rights to read and to search from directories
// there, which os.RemoveAll stumbles over.
func Remove(dir string) error {
	if err := os.RemoveAll(dir); err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := unlock(dir); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// unlock gives the owner all rights to a directory and those below it. Links are not
// followed, whoever puts them there meanwhile.
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
