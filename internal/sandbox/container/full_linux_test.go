package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// fullRole unpacks an image on a disk without enough space.
func fullRole() error {
	dir := os.Getenv("CONTAINER_TEST_DIR")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		return fmt.Errorf("no disk: %w", err)
	}
	layer, err := newLayer(file("small", "x"), file("large", strings.Repeat("x", 1<<20)))
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	r := New(Options{Dir: dir, Pull: func(context.Context, string) (v1.Image, error) { return image, nil }})
	for range 2 {
		if _, err = r.Image(context.Background(), "large", nil); !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("a full disk is told as %w", err)
		}
	}
	var after syscall.Statfs_t
	if err := syscall.Statfs(dir, &after); err != nil {
		return err
	}
	if used := (after.Blocks - after.Bfree) * uint64(after.Bsize); used > 64<<10 {
		return fmt.Errorf("%d bytes of what could not be unpacked are left", used)
	}
	return nil
}

// TestDiskIsFull unpacks an image on a full file system. The error must be that of the
// full disk, and partial files must be removed.
func TestDiskIsFull(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self)
	c.Env = append(os.Environ(), roleVariable+"=full", "CONTAINER_TEST_DIR="+t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || strings.Contains(string(out), "no disk") {
		t.Skipf("no mounts in user namespaces here: %v %s", err, out)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
