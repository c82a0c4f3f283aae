package wheel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/panics"
)

// patience is how long the output of a program that was ended is waited for.
const patience = time.Second

// longest is how long a program may take that asks an index for packages, or builds one.
const longest = time.Hour

// program is one that slipway starts: its first arguments, and its environment.
type program struct {
	args    []string
	environ []string
	dir     string
	// line, when not nil, is told each line of what the program prints.
	line func(string)
}

// run runs the program and gives what it prints. The end of ctx ends it at once,
// with all that it started.
func (p program) run(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	args = append(slices.Clone(p.args), args...)
	watched, stop := panics.Until(ctx)
	defer stop(nil)
	limited, cancel := context.WithTimeout(watched, longest)
	defer cancel()
	command := exec.CommandContext(limited, args[0], args[1:]...)
	command.Env, command.Dir, command.WaitDelay = p.environ, p.dir, patience
	group(command)
	command.Cancel = func() error { return end(command) }
	out, problems := &kept{limit: 64 << 20}, &kept{limit: 16 << 20}
	command.Stdout, command.Stderr = out, problems
	if p.line != nil {
		command.Stdout = io.MultiWriter(out, &lineWriter{ctx: watched, tell: p.line})
	}
	err = command.Run()
	if fault := panics.Fault(watched); fault != nil {
		panic(fault)
	}
	switch {
	case ctx.Err() != nil:
		return "", "", ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it did not end within %s", longest)
	}
	return out.String(), problems.String(), err
}

// lineWriter tells each line that is written, by who reads what a program prints. A fault
// is kept in ctx.
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

// kept keeps the beginning of what is written.
type kept struct {
	bytes.Buffer
	limit int
}

func (l *kept) Write(b []byte) (int, error) {
	_, err := l.Buffer.Write(b[:min(len(b), l.limit-l.Len())])
	return len(b), err
}

var _ io.Writer = (*kept)(nil)

// find finds a program on the PATH of environ.
func find(environ []string, name string) (string, bool) {
	for _, dir := range filepath.SplitList(variable(environ, "PATH")) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return found, true
		}
	}
	return "", false
}

// variable gives the value of an environment variable, whose name has any case on
// Windows.
func variable(environ []string, name string) string {
	for _, v := range slices.Backward(environ) {
		key, value, _ := strings.Cut(v, "=")
		if key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// environment gives what pip, uv and poetry need of an environment, and nothing
// else: what runs there has no use for the user's other secrets. Those among it
// that say what to install and where are left out, as slipway says that itself.
func (s Spec) environment(more ...string) []string {
	var kept []string
	for _, v := range s.Environ {
		name, _, _ := strings.Cut(v, "=")
		name = strings.ToUpper(name) // Windows has them in any case, and proxies are written in both
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

// pipVersion is the pip that uv fetches where there is no other one.
const pipVersion = "25.3"

// errNoPip says what to install.
var errNoPip = errors.New("neither Python with pip nor uv is on the PATH: packages are downloaded by one of them; install Python 3 with pip, or uv")

// python finds a Python that has pip.
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

// pip finds a pip.
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
	userInfo = regexp.MustCompile(`://[^/\s@'"]+@`)
	errorTag = regexp.MustCompile(`(?m)^(?:ERROR|error|Error): ?`)
)

// said gives the end of what a program printed, without what is secret in it.
func said(output string) string {
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

// failed is a program that did not do what was wanted.
func failed(what, output string, err error) error {
	if text := said(output); text != "" {
		return fmt.Errorf("%s: %w:\n%s", what, err, text)
	}
	return fmt.Errorf("%s: %w", what, err)
}
