package wheel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/panics"
)

// outputWait is how long to wait for the output of a program that was killed.
const outputWait = time.Second

// programTimeout is the timeout of a program that downloads or builds packages.
const programTimeout = time.Hour

// program is a program to run: its first arguments, its environment and its working
// directory.
type program struct {
	args    []string
	environ []string
	dir     string
	// stdin, if not nil, is its standard input.
	stdin []byte
	// line, if not nil, is called with each line that the program prints to its standard
	// output.
	line func(string)
}

// run runs the program and returns its output. If ctx is done, or after an hour, the
// program and its children are killed.
func (p program) run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	args = append(slices.Clone(p.args), args...)
	watched, stop := panics.WithCancelOnPanic(ctx)
	defer stop(nil)
	limited, cancel := context.WithTimeout(watched, programTimeout)
	defer cancel()
	command := exec.CommandContext(limited, args[0], args[1:]...)
	command.Env, command.Dir, command.WaitDelay = p.environ, p.dir, outputWait
	setProcessGroup(command)
	command.Cancel = func() error { return killProcessGroup(command) }
	out, problems := &limitedBuffer{limit: 64 << 20}, &limitedBuffer{limit: 16 << 20}
	command.Stdout, command.Stderr = out, problems
	if p.stdin != nil {
		command.Stdin = bytes.NewReader(p.stdin)
	}
	if p.line != nil {
		command.Stdout = io.MultiWriter(out, &lineWriter{ctx: watched, tell: p.line})
	}
	err = command.Run()
	if fault := panics.Cause(watched); fault != nil {
		panic(fault)
	}
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it timed out after %s", programTimeout)
	}
	return out.String(), problems.String(), err
}

// lineWriter calls tell with each line that is written to it. A panic in tell is kept in
// ctx.
type lineWriter struct {
	ctx  context.Context
	tell func(string)
	rest []byte
}

func (w *lineWriter) Write(b []byte) (n int, err error) {
	defer panics.Keep(w.ctx, &err, "")
	w.rest = append(w.rest, b...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		w.tell(string(bytes.TrimSpace(line)))
		w.rest = rest
	}
}

// limitedBuffer is a buffer that keeps the first limit bytes and discards the rest.
type limitedBuffer struct {
	bytes.Buffer
	limit int
}

func (l *limitedBuffer) Write(b []byte) (int, error) {
	_, err := l.Buffer.Write(b[:min(len(b), l.limit-l.Len())])
	return len(b), err
}

var _ io.Writer = (*limitedBuffer)(nil)

// find searches for a program in the absolute directories of the PATH in environ.
func find(environ []string, name string) (string, bool) {
	for _, dir := range filepath.SplitList(variable(environ, "PATH")) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return found, true
		}
	}
	return "", false
}

// variable returns the value of an environment variable. On Windows names are not
// case-sensitive.
func variable(environ []string, name string) string {
	for _, v := range slices.Backward(environ) {
		key, value, _ := strings.Cut(v, "=")
		if key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// environment returns the environment variables that pip, uv and poetry need, and no
// others: programs that run there must not see the user's other secrets. Variables that say
// what to install and where are left out, because slipway sets these itself.
func (s Spec) environment(more ...string) []string {
	var kept []string
	for _, v := range s.Environ {
		name, _, _ := strings.Cut(v, "=")
		name = strings.ToUpper(name) // Windows ignores the case, and proxies are written in both
		if isCommonVariable(name) || strings.HasPrefix(name, "PIP_") && !isPipOrder(name) || strings.HasPrefix(name, "UV_") && !isUVOrder(name) ||
			strings.HasPrefix(name, "POETRY_") || strings.HasPrefix(name, "CLOUDSDK_") || strings.HasPrefix(name, "PYENV_") {
			kept = append(kept, v)
		}
	}
	return append(append(kept, "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_REQUIRE_VIRTUALENV=0", "PIP_NO_COLOR=1", "PYTHONIOENCODING=utf-8",
		"PYTHONDONTWRITEBYTECODE=1", "UV_NO_PROGRESS=1", "UV_PYTHON_DOWNLOADS=never", "POETRY_NO_INTERACTION=1", "NO_COLOR=1"), more...)
}

func isCommonVariable(name string) bool {
	return slices.Contains([]string{"PATH", "PATHEXT", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR",
		"COMSPEC", "TMPDIR", "TMP", "TEMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_HOME", "LANG", "LC_ALL",
		"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC",
		"PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS", "GOOGLE_APPLICATION_CREDENTIALS"}, name)
}

func isPipOrder(name string) bool {
	return slices.Contains([]string{"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PLATFORM", "PIP_PYTHON_VERSION", "PIP_ABI", "PIP_IMPLEMENTATION",
		"PIP_DEST", "PIP_DESTINATION_DIR", "PIP_DESTINATION_DIRECTORY", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_NO_BINARY", "PIP_ONLY_BINARY",
		"PIP_QUIET", "PIP_VERBOSE", "PIP_LOG", "PIP_LOG_FILE", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_VENV", "PIP_PYTHON", "PIP_EDITABLE", "PIP_PRE",
		"PIP_GROUP", "PIP_REPORT", "PIP_DRY_RUN", "PIP_NO_COLOR", "PIP_NO_INPUT", "PIP_REQUIRE_HASHES", "PIP_NO_REQUIRE_HASHES"}, name)
}

func isUVOrder(name string) bool {
	return slices.Contains([]string{"UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_LOCKED", "UV_FROZEN", "UV_EXPORT_FORMAT", "UV_QUIET", "UV_VERBOSE", "UV_NO_DEV", "UV_DEV"}, name)
}

// pipVersion is the version of pip that uv runs if there is no other pip.
const pipVersion = "25.3"

// errNoPip is returned if neither Python with pip nor uv is on the PATH.
var errNoPip = errors.New("neither Python with pip nor uv was found on the PATH: one of them is needed to download packages; install Python 3 with pip, or uv")

// python finds a Python that has pip. It returns errNoPip if there is none.
func (s Spec) python(ctx context.Context) (program, error) {
	for _, name := range []string{"python3", "python", "py"} {
		path, ok := find(s.Environ, name)
		if !ok {
			continue
		}
		p := program{args: []string{path}, environ: s.environment()}
		_, _, err := p.run(ctx, "-m", "pip", "--version")
		if ctx.Err() != nil {
			return program{}, ctx.Err()
		}
		if err == nil {
			return p, nil
		}
	}
	return program{}, errNoPip
}

// pip finds a pip, or a uv that can run one.
func (s Spec) pip(ctx context.Context) (program, error) {
	p, err := s.python(ctx)
	if err == nil {
		p.args = append(p.args, "-m", "pip")
		return p, nil
	}
	if uv, ok := find(s.Environ, "uv"); ok && errors.Is(err, errNoPip) {
		return program{args: []string{uv, "tool", "run", "--from", "pip==" + pipVersion, "pip"}, environ: s.environment()}, nil
	}
	return program{}, err
}

var (
	userInfo = lazyregexp.New(`://[^/\s@'"]+@`)
	errorTag = lazyregexp.New(`(?m)^(?:ERROR|error|Error): ?`)
)

// lastLines returns the last lines of a program's output, without the credentials in URLs.
func lastLines(output string) string {
	output = strings.TrimSpace(userInfo.ReplaceAllString(output, "://***@"))
	if at := errorTag.FindAllStringIndex(output, -1); at != nil {
		output = output[at[0][1]:]
	}
	lines := strings.Split(output, "\n")
	if len(lines) > 12 {
		lines = lines[len(lines)-12:]
	}
	return strings.Join(lines, "\n")
}

// failed returns the error for a program that failed, with the end of its output.
func failed(what, output string, err error) error {
	if text := lastLines(output); text != "" {
		return fmt.Errorf("%s: %w:\n%s", what, err, text)
	}
	return fmt.Errorf("%s: %w", what, err)
}
