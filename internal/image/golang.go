package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
	"github.com/slipway-ci/slipway/internal/state"
)

// BuildError reports that a Go program cannot be built.
type BuildError struct {
	// Package is the directory of the Go package.
	Package string
	// Output is the output of the go command. The compiler's lines begin with the file,
	// relative to the repository's root, the line and the column.
	Output string
	// Err is the error that the go command ended with.
	Err error
}

// Error returns the compiler's output.
func (e *BuildError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("go build %s failed: %v", e.Package, e.Err)
	}
	return fmt.Sprintf("go build %s failed:\n%s", e.Package, strings.TrimRight(e.Output, "\n"))
}

// Unwrap returns the error that the go command ended with.
func (e *BuildError) Unwrap() error { return e.Err }

// programContent describes the layer of a program.
const programContent = "program"

// staleAge is the age from which a file in the cache belongs to a build that has ended.
const staleAge = 24 * time.Hour

// interruptGrace is how long the go command may take to exit after an interrupt.
const interruptGrace = time.Second

// compile builds a Go package for the spec's platform and returns its layer.
//
// The binary is static and contains no paths of this machine, no time and no commit. It
// keeps its build ID, a hash of its inputs that is the same on any machine. From the build
// ID the go command sees that the binary of the last build is up to date and need not be
// linked again. A lock keeps other builds from writing the binary until it has been linked
// to a name of its own.
func compile(ctx context.Context, s Spec) (*content, error) {
	pkg := "./" + s.Main
	if info, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(s.Main))); err != nil || !info.IsDir() {
		return nil, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the directory %s of the Go package does not exist", s.Name, s.Main),
			Hint: "name the directory of a Go program by its path from the repository's root", Err: err}
	}
	key := sha256.Sum256([]byte(s.Main + "\x00" + s.platform.String()))
	dir := filepath.Join(cacheDir(s.Dir), "go", hex.EncodeToString(key[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create the cache directory: %w", err)
	}
	if err := checkCacheDir(s.Dir, dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	if _, err := lock.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	defer func() { _ = lock.Unlock() }()

	target := filepath.Join(dir, "program")
	removeDamaged(target)
	if err := goBuild(ctx, s, pkg, target); err != nil {
		return nil, err
	}
	e, err := cacheProgram(ctx, dir, target)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	e.name = s.program()
	return newContent(programContent, dir, []entry{e}), nil
}

// checkCacheDir returns an error if a directory of the cache, down to dir, is a link, because
// the cache would then be written somewhere else.
func checkCacheDir(root, dir string) error {
	top := state.Dir(root)
	for ; len(dir) >= len(top); dir = filepath.Dir(dir) {
		if err := machine.CheckOwner(dir); err != nil {
			return err
		}
	}
	return nil
}

// cacheProgram links the binary to a name that contains its hash, and removes the binaries
// of builds that ended long ago.
func cacheProgram(ctx context.Context, dir, target string) (entry, error) {
	file, err := os.Open(target)
	if err != nil {
		return entry{}, err
	}
	defer file.Close()
	h := &counter{Hash: sha256.New()}
	if _, err := io.Copy(h, &contextReader{ctx, file}); err != nil {
		return entry{}, err
	}
	e := entry{mode: 0o755, size: h.n}
	h.Sum(e.sum[:0])
	hash := hex.EncodeToString(e.sum[:])
	// Without a code, the next build links the program again.
	code, _ := machine.MAC(programSubject, []byte(hash))
	if err := os.WriteFile(target+".sum", []byte(code), 0o644); err != nil {
		return entry{}, err
	}
	e.file = "program-" + hash[:16]
	// Unlike filepath.Glob, this works if dir contains pattern characters.
	kept, err := fs.Glob(os.DirFS(dir), "program-*")
	if err != nil {
		return entry{}, err
	}
	for _, old := range kept {
		path := filepath.Join(dir, old)
		if info, err := os.Stat(path); err == nil && old != e.file && time.Since(info.ModTime()) > staleAge {
			_ = os.Remove(path)
		}
	}
	name := filepath.Join(dir, e.file)
	if _, err := os.Stat(name); err == nil {
		_ = os.Remove(name) // it may be damaged, and linking is cheap
	}
	if err := os.Link(target, name); err == nil || errors.Is(err, fs.ErrExist) {
		return e, nil
	}
	return e, copyFile(target, name) // the file system does not support links
}

// copyFile copies a file.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// programSubject is the subject of the authentication codes of programs.
const programSubject = "program"

// removeDamaged removes a binary that the last build on this machine did not write, such as
// one that came with the tree. The go command would trust its build ID.
func removeDamaged(target string) {
	noted, err := source.ReadFile(nil, target+".sum", maxCacheFile)
	if err == nil {
		var file *os.File
		if file, err = source.Open(nil, target); err == nil {
			h := sha256.New()
			_, err = io.Copy(h, file)
			_ = file.Close()
			if ok, _ := machine.VerifyMAC(string(noted), programSubject, []byte(hex.EncodeToString(h.Sum(nil)))); err == nil && ok {
				return
			}
		}
	}
	_ = os.Remove(target)
}

// buildTimeout is the timeout of the go command, which may have to download modules.
const buildTimeout = time.Hour

// goBuild builds the package with the go command. If that fails, the error is a
// *BuildError.
func goBuild(ctx context.Context, s Spec, pkg, target string) error {
	tool, err := findGo(s.Environ)
	if err != nil {
		return err
	}
	// -s -w omits data for debuggers. Stack traces still have files and lines.
	limited, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	command := exec.CommandContext(limited, tool, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", target, pkg)
	command.Dir = s.Dir
	command.Env = append(goEnvironment(s.Environ), goTarget(s)...)
	command.WaitDelay = interruptGrace
	if runtime.GOOS != "windows" {
		// On an interrupt, the go command removes its temporary files.
		command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err = command.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return &BuildError{Package: pkg, Output: output.String(), Err: fmt.Errorf("go build timed out after %s; check that the module proxy (GOPROXY) can be reached", buildTimeout)}
	case err != nil:
		if reportsFullDisk(output.String()) {
			err = errors.Join(err, syscall.ENOSPC)
		}
		return &BuildError{Package: pkg, Output: output.String(), Err: err}
	}
	return checkProgramFile(s, target)
}

// reportsFullDisk reports whether the go command failed because the disk is full. The go
// command is another process and only prints that: its exit code is 1 for every error.
func reportsFullDisk(output string) bool { return strings.Contains(output, syscall.ENOSPC.Error()) }

// checkProgramFile returns an error if the package is not a program: go build then writes
// an archive, or nothing.
func checkProgramFile(s Spec, target string) error {
	file, err := os.Open(target)
	if err == nil {
		defer file.Close()
		magic := make([]byte, 8)
		_, err = io.ReadFull(file, magic)
		if err == nil && string(magic) != "!<arch>\n" {
			return nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the program: %w", err)
	}
	_ = os.Remove(target)
	return &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: the Go package %s is not a main package", s.Name, s.Main),
		Hint: "name a directory whose files begin with package main"}
}

// goTarget returns the variables that determine the binary: the platform, and settings that
// the go environment of a machine may override.
func goTarget(s Spec) []string {
	fixed := []string{
		"CGO_ENABLED=0", "GOOS=" + s.platform.OS, "GOARCH=" + s.platform.Architecture,
		// An empty value would let the user's go env -w settings take effect.
		"GOFLAGS=-buildvcs=false", "GOAMD64=v1", "GOARM64=v8.0", "GOARM=7", "GOFIPS140=off",
	}
	if v := s.platform.Variant; s.platform.Architecture == "arm" && len(v) == 2 {
		fixed = append(fixed, "GOARM="+v[1:])
	}
	return fixed
}

// goEnvironment returns the variables that the go command needs. It leaves out all others,
// because a compiler must not get the user's secrets.
func goEnvironment(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		switch strings.ToUpper(name) { // on Windows, names of variables are case-insensitive
		case "PATH", "PATHEXT", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "TMPDIR", "TMP", "TEMP",
			"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK", "NETRC",
			"GOENV", "GOPATH", "GOCACHE", "GOCACHEPROG", "GOMODCACHE", "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOVCS",
			"GOTOOLCHAIN", "GOROOT", "GOTMPDIR", "GOAUTH", "GOWORK", "GOMAXPROCS", "GIT_SSH_COMMAND", "GIT_CONFIG_GLOBAL", "GIT_TERMINAL_PROMPT":
			kept = append(kept, variable)
		}
	}
	return kept
}

// findGo finds the go command on the PATH of environ.
func findGo(environ []string) (string, error) {
	for _, variable := range environ {
		name, list, _ := strings.Cut(variable, "=")
		if !strings.EqualFold(name, "PATH") {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if found, err := exec.LookPath(filepath.Join(dir, "go")); err == nil && filepath.IsAbs(dir) {
				return found, nil
			}
		}
	}
	return "", errors.New("the go command was not found on the PATH: images of kind go need it; install Go, or build where it is installed")
}
