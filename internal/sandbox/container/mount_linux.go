package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// clone returns a descriptor of a mount of path that is not attached anywhere. If below
// is set it includes the mounts below path.
func clone(path string, below bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if below {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, flags)
	if err != nil {
		return -1, &fs.PathError{Op: "clone the mount of", Path: path, Err: err}
	}
	return fd, nil
}

// cloneSource clones a mount's source and reports whether it is a directory. It returns
// an error if another container replaces a part of the sub-path by a symlink meanwhile.
func cloneSource(m Mount) (fd int, directory bool, err error) {
	path := m.Source
	if m.SubPath != "" {
		sub, err := within(m.Source, m.SubPath)
		if err != nil {
			return -1, false, err
		}
		source, err := unix.Open(m.Source, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, false, err
		}
		defer unix.Close(source)
		found, err := unix.Openat2(source, sub, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
		})
		if err != nil {
			return -1, false, &fs.PathError{Op: "open", Path: filepath.Join(m.Source, sub), Err: err}
		}
		defer unix.Close(found)
		path = fmt.Sprintf("/proc/self/fd/%d", found)
	}
	info, err := os.Stat(path)
	if err != nil {
		return -1, false, err
	}
	fd, err = clone(path, true)
	return fd, info.IsDir(), err
}

// newProc returns a descriptor of a mount of this PID namespace's /proc.
func newProc() (int, error) {
	fd, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	if err := unix.FsconfigCreate(fd); err != nil {
		return -1, err
	}
	return unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// attach attaches a mount at target and closes its descriptor. It creates a missing
// target.
func attach(fd int, target string, directory bool) error {
	defer unix.Close(fd)
	parent := filepath.Dir(target)
	if directory {
		parent = target
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	if !directory {
		// An earlier container may have left a named pipe there.
		f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0o644)
		if err != nil {
			return err
		}
		_ = f.Close()
	}
	return unix.MoveMount(fd, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
}

// readOnly makes the mount at target read-only. If below is set it includes the mounts
// below target.
func readOnly(target string, below bool) error {
	flags := uint(0)
	if below {
		flags |= unix.AT_RECURSIVE
	}
	err := unix.MountSetattr(unix.AT_FDCWD, target, flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// Linux before 5.12, where a remount must repeat the mount's flags.
	var s unix.Statfs_t
	if err := unix.Statfs(target, &s); err != nil {
		return err
	}
	const same = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME
	return unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|uintptr(s.Flags)&same, "")
}

// mountMemory mounts a tmpfs.
func mountMemory(target, options string, flags uintptr) error {
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	return unix.Mount("tmpfs", target, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|flags, options)
}

// procFiles are the files of the machine's /proc that a container sees if it cannot have
// a /proc of its own. They do not include processes, through which the machine's files
// would be reachable.
var procFiles = []string{"cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "uptime", "version"}

// mountSystem mounts /proc and /sys.
func (i *initProcess) mountSystem(m *hostResources) error {
	if m.proc >= 0 {
		if err := attach(m.proc, "/proc", true); err != nil {
			return fmt.Errorf("mount /proc: %w", err)
		}
		if err := freezeProc(); err != nil {
			return fmt.Errorf("make /proc read-only: %w", err)
		}
	} else if err := mountMemory("/proc", "mode=0555", unix.MS_NOEXEC); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for name, fd := range m.facts {
		if err := attach(fd, "/proc/"+name, false); err != nil {
			return fmt.Errorf("mount /proc/%s: %w", name, err)
		}
		if err := readOnly("/proc/"+name, false); err != nil {
			return fmt.Errorf("make /proc/%s read-only: %w", name, err)
		}
	}
	if m.sys < 0 {
		return nil
	}
	if err := attach(m.sys, "/sys", true); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	if readOnly("/sys", true) != nil || hide(m.sysMounts) != nil {
		return unix.Unmount("/sys", unix.MNT_DETACH)
	}
	return nil
}

// hide mounts an empty read-only directory over each path. Otherwise root could change
// control groups through any writable mount of them, and read the kernel's traces.
func hide(paths []string) error {
	for _, path := range paths {
		if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0555,size=0"); err != nil {
			return err
		}
		if err := readOnly(path, false); err != nil {
			return err
		}
	}
	return nil
}

// mountsBelow returns the mount points below dir, without those below another one of
// them.
func mountsBelow(dir string) ([]string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var points []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	slices.Sort(points)
	var outer []string
	for _, point := range points {
		below := func(o string) bool { return point == o || strings.HasPrefix(point, o+"/") }
		if !slices.ContainsFunc(outer, below) {
			outer = append(outer, point)
		}
	}
	return outer, nil
}

// freezeProc makes the entries of /proc that are not processes read-only if the
// container's user owns them, which is so when that user is the machine's root. Root
// could change the machine through them, at least the modes of these files, which all
// mounts of /proc share. Files that other users cannot read are replaced by an empty one.
func freezeProc() error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := "/proc/" + entry.Name()
		info, err := entry.Info()
		if err != nil || info.Mode()&fs.ModeSymlink != 0 || strings.Trim(entry.Name(), "0123456789") == "" {
			continue // already gone, or a process
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid != 0 {
			continue
		}
		if info.Mode().IsRegular() && info.Mode()&0o004 == 0 {
			err = cover(path, "/dev/null")
		} else {
			err = cover(path, path)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return nil
}

// cover mounts from over path, read-only.
func cover(path, from string) error {
	fd, err := clone(from, true)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return err
	}
	return readOnly(path, true)
}

// mountDevices mounts a small /dev. Its devices are the machine's, so they are mounted
// read-only to protect their modes; programs can still write to the devices.
func (i *initProcess) mountDevices(m *hostResources) error {
	if err := mountMemory("/dev", "mode=0755", 0); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	for name, fd := range m.devices {
		if err := attach(fd, "/dev/"+name, false); err != nil {
			return fmt.Errorf("mount /dev/%s: %w", name, err)
		}
		if err := readOnly("/dev/"+name, false); err != nil {
			return fmt.Errorf("make the mode of /dev/%s read-only: %w", name, err)
		}
	}
	if err := mountMemory("/dev/shm", "mode=1777", unix.MS_NOEXEC); err != nil {
		return fmt.Errorf("mount /dev/shm: %w", err)
	}
	links := map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	}
	if err := os.Mkdir("/dev/pts", 0o755); err != nil {
		return err
	}
	// Few programs need terminals, so it is not an error if the kernel offers none.
	if unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") == nil {
		links["ptmx"] = "pts/ptmx"
	}
	for name, target := range links {
		if err := os.Symlink(target, "/dev/"+name); err != nil {
			return err
		}
	}
	return nil
}
