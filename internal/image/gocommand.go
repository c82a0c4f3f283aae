package image

import (
	"bytes"
	"context"
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

	"github.com/slipway-ci/slipway/internal/source"
)

// interruptGrace is how long the go command may take to exit after an interrupt.
const interruptGrace = time.Second

// buildTimeout is the timeout of the go command, which may have to download modules.
const buildTimeout = time.Hour

// goBuild builds the package with the go command. If that fails, the error is a
// *BuildError.
func goBuild(ctx context.Context, s Spec, tool, target string) error {
	pkg := s.goPackage()
	limited, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	// -s -w omits data for debuggers. Stack traces still have files and lines.
	command := goCommand(limited, s, tool, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", target, pkg)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
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

// goPackage returns the argument that names the package to the go command.
func (s Spec) goPackage() string { return "./" + s.Main }

// goCommand returns a go command that runs in the repository's root, for the spec's
// platform.
func goCommand(ctx context.Context, s Spec, tool string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, tool, args...)
	command.Dir = s.Dir
	command.Env = append(goEnvironment(s.Environ), goTarget(s)...)
	command.WaitDelay = interruptGrace
	if runtime.GOOS != "windows" {
		// On an interrupt, the go command removes its temporary files.
		command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	}
	return command
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
