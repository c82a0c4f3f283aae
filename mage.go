//go:build ignore

// The command `go run mage.go TARGET` runs a target of magefile.go and needs only Go.
//
// mage itself would compile the targets at every call to notice changes. This program
// notices changes by the size and time of every Go file, and then starts the binary that
// it compiled last. So a call that finds nothing to do takes a fraction of a second.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/slipway-ci/slipway/internal/machine"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mage.go:", err)
		code = 3
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	state, err := fingerprint(".")
	if err != nil {
		return 0, err
	}
	// The cache is not in the working tree, as a binary there may have been part of a
	// checkout.
	cache, err := machine.Cache(".", "mage")
	if err != nil {
		return 0, err
	}
	binary := filepath.Join(cache, "targets-"+state)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	if _, err := os.Stat(binary); err != nil {
		if code, err := compile(cache, binary); code != 0 || err != nil {
			return code, err
		}
	}
	// mage has no optional arguments, and `bench image` reads better than a flag.
	if len(args) == 2 && args[0] == "bench" && !strings.HasPrefix(args[1], "-") {
		args[1] = "-run=" + args[1]
	}
	// mage's own flags have one dash, but users often type two.
	for i, arg := range args {
		if strings.HasPrefix(arg, "--") {
			args[i] = arg[1:]
		}
	}
	return start(binary, args)
}

// compile builds the targets and deletes older builds.
func compile(cache, binary string) (int, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return 0, err
	}
	older, err := filepath.Glob(filepath.Join(cache, "targets-*"))
	if err != nil {
		return 0, err
	}
	target, err := filepath.Abs(binary)
	if err != nil {
		return 0, err
	}
	partial := fmt.Sprintf("%s.%d.part", target, os.Getpid())
	fmt.Fprintln(os.Stderr, "mage.go: compiling the targets")
	// Package mage is not imported: the go command would look through all that it imports at each call.
	if code, err := start("go", []string{"run", "github.com/magefile/mage", "-compile", partial, "-ldflags=-s -w"}, "MAGEFILE_CACHE="+cache); code != 0 || err != nil {
		return code, err
	}
	if err := os.Rename(partial, target); err != nil {
		return 0, err
	}
	for _, path := range older {
		_ = os.Remove(path) // on Windows one that still runs stays until the next build
	}
	return 0, nil
}

// start runs a program, with more variables, and returns its exit code. The terminal sends its signals to
// it, too. SIGTERM is passed on as an interrupt.
func start(program string, args []string, environ ...string) (int, error) {
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(), environ...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				_ = command.Process.Signal(os.Interrupt) // mage's targets handle no other signal
			}
		}
	}()
	err := command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// fingerprint returns a hash of the state of the Go sources below dir.
func fingerprint(dir string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(name) {
		case ".go", ".mod", ".sum", ".yml", ".yaml", ".json":
		default:
			return nil
		}
		if strings.HasSuffix(name, "_test.go") || name == "mage_output_file.go" { // mage's own, while it compiles
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), err
}
