package wheel

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// CompileArgs returns the arguments of uv that lock a requirements file or a pyproject.toml
// for a version of Python on all platforms. The lock only has packages with wheels, which
// images need, and no code of a package or of the repository is run.
func CompileArgs(file, python string) []string {
	return []string{"pip", "compile", "--universal", "--python-version", python, "--no-build", "--generate-hashes", "--quiet", "--no-header", file}
}

// Compile locks the packages of a file below dir, which has slashes, with their hashes. It
// runs uv, which it fetches with pip if it is not on the PATH, and reads the index. It does
// not write into dir. Only the file's name is used if text is not nil: text is its content.
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
	stdout, stderr, err := uv.run(ctx, args...)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, failed(fmt.Sprintf("lock the packages of %s", file), stdout+"\n"+stderr, err)
	case strings.TrimSpace(stdout) == "":
		stdout = "# " + file + " has no packages.\n"
	}
	return []byte(stdout), nil
}
