package wheel

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// CompileArgs returns the arguments of uv that lock a requirements file or a pyproject.toml
// for a version of Python on all platforms. The lock only has packages with wheels, which
// images need, and no code of a package or of the repository is run. A user may run them, too:
// uv then writes them into the head of the lock.
func CompileArgs(file, python string) []string {
	return []string{"pip", "compile", "--universal", "--python-version", python, "--no-build", "--generate-hashes", file}
}

// fromAddress matches what uv says of a package that it takes from an address.
var fromAddress = lazyregexp.New("`[\\w.-]+ @ |Git operation failed")

// namesAddress reports whether uv says in its output that it takes a package from an address.
func namesAddress(output string) bool { return fromAddress.MatchString(output) }

// Compile locks the packages of a file below dir, which has slashes, with their hashes. It
// runs uv, which it fetches with pip if it is not on the PATH, and reads the index. It does
// not write into dir. Only the file's name is used if text is not nil: text is its content. A lock
// that no image could use is a *source.Error, and so is a package from an address.
func Compile(ctx context.Context, dir, file, python string, text []byte, environ []string) ([]byte, error) {
	s := Spec{Name: "init", Dir: dir, Lock: file, Environ: environ}
	uv, err := s.uv(ctx)
	if err != nil {
		return nil, err
	}
	uv.dir = dir
	args := CompileArgs(filepath.FromSlash(file), python)
	if text != nil {
		uv.stdin = text
		args[len(args)-1] = "-"
	}
	stdout, stderr, err := uv.run(ctx, append(args, "--quiet", "--no-header")...)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && namesAddress(stderr):
		return nil, &source.Error{Position: source.Position{File: file}, Message: "a package is taken from an address, and cannot be locked:\n" + lastLines(stderr), Err: err,
			Hint: "an image takes packages from an index: publish the package as a wheel, and require it without an address; or build the image with a Dockerfile"}
	case err != nil:
		return nil, failed(fmt.Sprintf("lock the packages of %s", file), stdout+"\n"+stderr, err)
	case strings.TrimSpace(stdout) == "":
		stdout = "# " + file + " has no packages.\n"
	}
	if _, err := parseRequirements(file, func(string) ([]byte, error) { return []byte(stdout), nil }); err != nil {
		if wrong := new(source.Error); errors.As(err, &wrong) { // at a line of the lock, which is not written
			return nil, &source.Error{Position: source.Position{File: file}, Message: "its lock could not be used: " + wrong.Message, Hint: wrong.Hint, Err: err}
		}
		return nil, err
	}
	return []byte(stdout), nil
}
