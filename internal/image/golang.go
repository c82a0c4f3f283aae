package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// CompileError is a Go program that does not compile.
type CompileError struct {
	Package string
	// Output is what the compiler said.
	Output string
}

// Error gives the compiler's own lines.
func (e *CompileError) Error() string {
	return fmt.Sprintf("%s does not compile:\n%s", e.Package, strings.TrimRight(e.Output, "\n"))
}

type binary struct{ name, path string }

// compile builds a Go package for the spec's platform: static, without paths
// or times of this machine, so that any machine gets the same bytes.
// The result is kept, and go build sees by itself when it is up to date.
func compile(ctx context.Context, s Spec) (binary, error) {
	main := filepath.ToSlash(s.Main)
	if !strings.HasPrefix(main, ".") {
		main = "./" + main
	}
	if info, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(main))); err != nil || !info.IsDir() {
		return binary{}, &source.Error{Position: s.At, Message: fmt.Sprintf("image %s: %s is no directory with a Go package", s.Name, s.Main), Err: err}
	}
	name := path.Base(path.Clean(main))
	if name == "." || name == "/" {
		name = s.Name
	}
	key := sha256.Sum256([]byte(main + "\x00" + s.Platform.String()))
	target := filepath.Join(s.Dir, ".slipway", "cache", "image", "go", hex.EncodeToString(key[:8]), name)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return binary{}, fmt.Errorf("build image %s: %w", s.Name, err)
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", target, main)
	command.Dir = s.Dir
	command.Env = append(goEnvironment(s.Environ), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOOS="+s.Platform.OS, "GOARCH="+s.Platform.Architecture)
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	switch {
	case err == nil:
		return binary{name, target}, nil
	case ctx.Err() != nil:
		return binary{}, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return binary{}, fmt.Errorf("build image %s: the go command is not installed; it is needed for images of kind go", s.Name)
	}
	return binary{}, &CompileError{Package: s.Main, Output: output.String()}
}

// goEnvironment gives what the go command needs of an environment, and nothing
// else: a compiler has no use for the user's secrets.
func goEnvironment(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		name, _, _ := cut(variable)
		switch name {
		case "PATH", "HOME", "USERPROFILE", "LOCALAPPDATA", "SYSTEMROOT", "SystemRoot", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
			"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
			"GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GONOSUMCHECK", "GOTOOLCHAIN", "GOROOT", "GOTMPDIR", "GOAUTH", "NETRC":
			kept = append(kept, variable)
		}
	}
	return kept
}
