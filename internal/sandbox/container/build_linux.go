package container

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// build replaces the process's file system by the container's. It first clones everything
// that the container needs from the machine, then changes the root and detaches the old
// one, and only then attaches the clones. So no symbolic link of the image can lead out
// of it.
func (i *initProcess) build() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := i.mountRoot(); err != nil {
		return fmt.Errorf("mount the image: %w", err)
	}
	m, err := i.cloneFromMachine()
	if err != nil {
		return err
	}
	if err := pivot(i.Root); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	for _, step := range []func(*hostResources) error{i.mountDevices, i.mountSystem, i.writeNames, i.attachMounts} {
		if err := step(m); err != nil {
			return err
		}
	}
	if err := unix.Sethostname([]byte(i.Name[:min(len(i.Name), 64)])); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := os.MkdirAll(i.WorkingDir, 0o755); err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	if err := os.Chdir(i.WorkingDir); err != nil {
		return fmt.Errorf("enter the working directory: %w", err)
	}
	return nil
}

// mountRoot mounts the image so that only this container can write to it: as the lower
// layer of an overlay, or as a copy if the kernel or the file system refuses overlays.
func (i *initProcess) mountRoot() error {
	if !i.Copy {
		err := i.mountOverlay()
		if err == nil {
			return nil
		}
		i.status.Copy = true
	}
	if err := copyTree(i.Lower, i.Root); err != nil {
		return err
	}
	return unix.Mount(i.Root, i.Root, "", unix.MS_BIND, "")
}

// mountOverlay names the directories by descriptor, because their paths may contain the
// characters that separate mount options.
func (i *initProcess) mountOverlay() error {
	var options []string
	for _, d := range []struct{ option, dir string }{{"lowerdir", i.Lower}, {"upperdir", i.Upper}, {"workdir", i.Work}} {
		fd, err := unix.Open(d.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		options = append(options, fmt.Sprintf("%s=/proc/self/fd/%d", d.option, fd))
	}
	return unix.Mount("overlay", i.Root, "overlay", 0, strings.Join(append(options, "userxattr"), ","))
}

// pivot makes root the root directory and detaches the old root.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // the old root is now mounted over the new one
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Chdir("/")
}

// hostResources is what a container gets from the machine: descriptors of mounts that are not
// attached anywhere, and the content of files.
type hostResources struct {
	proc, sys     int            // -1 if not available
	sysMounts     []string       // mount points of other file systems below /sys
	facts         map[string]int // descriptors of files in /proc, by name
	devices       map[string]int
	sources       map[int]int  // by index in order.Mounts
	directory     map[int]bool // reports whether the source is a directory
	hosts, resolv []byte
}

var deviceNames = []string{"null", "zero", "full", "random", "urandom", "tty"}

// cloneFromMachine clones what the container gets from the machine.
func (i *initProcess) cloneFromMachine() (*hostResources, error) {
	m := &hostResources{
		facts: map[string]int{}, devices: map[string]int{},
		sources: map[int]int{}, directory: map[int]bool{},
	}
	var err error
	if m.proc, err = newProc(); err != nil {
		// Container engines mask parts of /proc. The kernel then refuses to mount a full
		// one.
		if m.proc = -1; !errors.Is(err, unix.EPERM) {
			return nil, fmt.Errorf("mount /proc: %w", err)
		}
		for _, name := range procFiles {
			if fd, err := clone("/proc/"+name, false); err == nil {
				m.facts[name] = fd
			}
		}
	}
	if m.sysMounts, err = mountsBelow("/sys"); err == nil {
		m.sys, err = clone("/sys", true)
	}
	if err != nil {
		m.sys = -1
	}
	for _, name := range deviceNames {
		fd, err := clone("/dev/"+name, false)
		if err != nil {
			return nil, err
		}
		m.devices[name] = fd
	}
	for n, mount := range i.Mounts {
		if mount.Files != nil {
			continue
		}
		if m.sources[n], m.directory[n], err = cloneSource(mount); err != nil {
			return nil, fmt.Errorf("mount at %s: %w", mount.Target, err)
		}
	}
	m.hosts, _ = os.ReadFile("/etc/hosts")
	m.resolv, _ = os.ReadFile("/etc/resolv.conf")
	return m, nil
}

// attachMounts attaches the order's mounts, outer ones first.
func (i *initProcess) attachMounts(m *hostResources) error {
	for n, mount := range i.Mounts {
		if err := i.attachMount(m, n, mount); err != nil {
			return fmt.Errorf("mount at %s: %w", mount.Target, err)
		}
	}
	for _, mount := range i.Mounts {
		if mount.Files == nil || !mount.ReadOnly {
			continue
		}
		if err := readOnly(mount.Target, false); err != nil {
			return fmt.Errorf("make the mount at %s read-only: %w", mount.Target, err)
		}
	}
	return nil
}

func (i *initProcess) attachMount(m *hostResources, n int, mount Mount) error {
	if mount.Files == nil {
		if err := attach(m.sources[n], mount.Target, m.directory[n]); err != nil {
			return err
		}
		if mount.ReadOnly {
			return readOnly(mount.Target, true)
		}
		return nil
	}
	if err := mountMemory(mount.Target, "mode=0755", 0); err != nil {
		return err
	}
	return mount.write(mount.Target)
}

// writeNames writes /etc/hostname, /etc/hosts and /etc/resolv.conf, and creates /tmp if
// it is missing. The image's own versions of these files are leftovers of its build.
func (i *initProcess) writeNames(m *hostResources) error {
	if err := os.MkdirAll("/etc", 0o755); err != nil {
		return err
	}
	for name, content := range map[string]string{
		"/etc/hostname": i.Name + "\n", "/etc/hosts": i.hosts(string(m.hosts)), "/etc/resolv.conf": string(m.resolv),
	} {
		if err := cmp.Or(os.RemoveAll(name), os.WriteFile(name, []byte(content), 0o644)); err != nil {
			return err
		}
	}
	if _, err := os.Stat("/tmp"); err == nil {
		return nil
	}
	return cmp.Or(os.MkdirAll(filepath.Clean("/tmp"), 0o700), os.Chmod("/tmp", 0o777|os.ModeSticky))
}
