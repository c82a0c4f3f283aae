package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// files provides access to a container's files, by their paths in the container.
type files interface {
	stat(name string) (fs.FileInfo, error)
	open(name string) (program, error)
}

type program interface {
	io.Reader
	io.ReaderAt
	io.Closer
}

// find returns the path of a command in a container. A command with a slash is a path,
// relative to the working directory; any other is looked up in PATH.
func find(f files, command, pathVariable, workingDir string) (string, error) {
	if strings.Contains(command, "/") {
		if !path.IsAbs(command) {
			command = path.Join(workingDir, command)
		}
		return command, executable(f, command)
	}
	for dir := range strings.SplitSeq(pathVariable, ":") {
		if !path.IsAbs(dir) {
			dir = path.Join(workingDir, dir)
		}
		at := path.Join(dir, command)
		if executable(f, at) == nil {
			return at, nil
		}
	}
	return "", fmt.Errorf("command not found in the image's PATH (%s)", pathVariable)
}

func executable(f files, name string) error {
	info, err := f.stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("no such file in the image")
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("it is a directory in the image")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file in the image")
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("it is not executable in the image (mode %s)", info.Mode())
	}
	return nil
}

// execError says why the kernel did not execute the program at name.
func execError(f files, name string, c ImageConfig, machine string, err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT):
		if i := interpreter(f, name); i != "" {
			return fmt.Sprintf("it needs %s, which is not in the image (use a base image that has it, or a static binary)", i)
		}
	case errors.Is(err, syscall.ENOEXEC):
		if c.Platform() != machine {
			return fmt.Sprintf("exec format error: it is a program for %s, and this machine is %s", c.Platform(), machine)
		}
		return "exec format error: it is neither a binary for this machine nor a script that begins with #!"
	}
	return err.Error()
}

// interpreter returns what the kernel starts to run the program at name: a script's
// interpreter or a binary's dynamic loader. It returns "" for a static binary.
func interpreter(f files, name string) string {
	file, err := f.open(name)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 256) // the kernel reads no more of it
	n, _ := io.ReadFull(file, head)
	if line, ok := bytes.CutPrefix(head[:n], []byte("#!")); ok {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 {
			return words[0]
		}
		return "the interpreter after #!"
	}
	return loader(file)
}
