package wheel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/machine"
	"github.com/slipway-ci/slipway/internal/source"
)

// The versions that are installed if the program is not on the PATH.
const (
	uvVersion           = "0.13.9"
	poetryVersion       = "2.5.1"
	poetryExportVersion = "1.10.1"
)

// inputs are the files that an export depends on, and a key that identifies them.
type inputs struct {
	lock, project []byte
	key           string
}

func (s Spec) exportInputs(f format) (inputs, error) {
	read := s.reader()
	lock, err := read(s.Lock)
	if err != nil {
		return inputs{}, err
	}
	name := path.Join(path.Dir(s.Lock), "pyproject.toml")
	project, err := read(name)
	if err != nil {
		return inputs{}, &source.Error{Position: source.Position{File: s.Lock}, Message: fmt.Sprintf("%s, which it belongs to, cannot be read: %v", name, err),
			Hint: "both are files of the repository", Err: err}
	}
	h := sha256.New()
	fmt.Fprintf(h, "export/%s %d %d %d %q %q\n%s%s", formatVersion, f, len(lock), len(project), normalNames(s.Extras), normalNames(s.Groups), lock, project)
	if p, ok := parseProject(project); ok {
		if err := s.checkExtrasAndGroups(p.extrasAndGroups()); err != nil {
			return inputs{}, err
		}
	}
	return inputs{lock, project, hex.EncodeToString(h.Sum(nil))}, nil
}

// export runs the program that owns the lock's format to write the lock as requirements
// with hashes. Dependencies for development only are left out, and so are the project and
// the members of its workspace, which are the repository's own code. The result is kept in
// the cache.
func (s Spec) export(ctx context.Context, f format) (*lockContent, error) {
	in, err := s.exportInputs(f)
	if err != nil {
		return nil, err
	}
	kept := filepath.Join(s.CacheDir, "export", in.key+".txt")
	text, err := readExport(kept)
	if err != nil {
		exported, err := s.runExport(ctx, f)
		if err != nil {
			return nil, err
		}
		text = []byte(exported)
	}
	l, err := s.parseExport(string(text), in)
	if err != nil {
		return nil, err
	}
	if err := writeExport(kept, text); err != nil {
		return nil, fmt.Errorf("write the export of %s to the cache: %w", s.Lock, err)
	}
	if lock, err := parseLockFile(in.lock); err == nil { // the files and the order in the lock are optional
		lock.addFiles(l.requirements)
		if f == uvFormat {
			l.lock = &lock
		}
	}
	if f == uvFormat {
		l.indexes = uvIndexes(in.project)
	}
	return l, nil
}

// parseExport parses the output of an export, and sets the positions of its requirements to
// those in the lock.
func (s Spec) parseExport(text string, in inputs) (*lockContent, error) {
	l, err := parseRequirements(s.Lock, func(string) ([]byte, error) { return []byte(text), nil })
	if err != nil {
		return nil, s.refusedExport(err, text, in)
	}
	for n := range l.requirements {
		r := &l.requirements[n]
		if r.refusal != nil {
			r.refusal = s.refusedExport(r.refusal, text, in)
		}
		r.at = packageLine(s.Lock, string(in.lock), r.name, r.version)
	}
	return l, nil
}

// refusedExport changes the position of an error in an export to that in the lock, and
// quotes the line of the export, which the user has not seen.
func (s Spec) refusedExport(err error, text string, in inputs) error {
	wrong := (*source.Error)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	lines := strings.Split(text, "\n")
	said := ""
	if n := wrong.Line; n > 0 && n <= len(lines) {
		said = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(lines[n-1]), `\`))
	}
	at, hint := source.Position{File: s.Lock}, wrong.Hint
	if name := requirementName.FindString(said); name != "" {
		at = packageLine(s.Lock, string(in.lock), normalName(name), "")
	} else if dir, _, _ := strings.Cut(strings.TrimPrefix(said, "-e "), " "); dir != "" {
		at = sourceLine(s.Lock, string(in.lock), dir)
	}
	if hint == howToLock { // the user has a lock already
		hint = "its index does not publish SHA-256 hashes: use an index that does, or build the image with a Dockerfile"
	}
	return &source.Error{Position: at, Message: fmt.Sprintf("%s: %s", wrong.Message, userInfo.ReplaceAllString(said, "://***@")), Hint: hint, Err: wrong.Err}
}

func (s Spec) runExport(ctx context.Context, f format) (string, error) {
	dir := filepath.Join(s.Dir, filepath.FromSlash(path.Dir(s.Lock)))
	if f == uvFormat {
		uv, err := s.uv(ctx)
		if err != nil {
			return "", err
		}
		uv.dir = dir
		args := []string{"export", "--frozen", "--format", "requirements-txt", "--no-emit-workspace", "--no-header", "--no-annotate"}
		if !slices.Contains(normalNames(s.Groups), "dev") {
			args = append(args, "--no-dev")
		}
		return s.exported(ctx, uv, append(args, repeatOption("--extra=", s.Extras, "--group=", s.Groups)...)...)
	}
	poetry := append([]string{"export", "--no-interaction", "--no-ansi", "--format", "requirements.txt"}, repeatOption("--extras=", s.Extras, "--with=", s.Groups)...)
	if found, ok := find(s.Environ, "poetry"); ok {
		text, err := s.exported(ctx, program{args: []string{found}, environ: s.environment(), dir: dir}, poetry...)
		if !errors.Is(err, errNoExport) {
			return text, err
		}
	}
	fetched, err := s.poetry(ctx)
	if err != nil {
		return "", err
	}
	fetched.dir = dir
	return s.exported(ctx, fetched, poetry...)
}

// repeatOption returns an option for each extra and each group.
func repeatOption(extra string, extras []string, group string, groups []string) []string {
	var args []string
	for _, name := range extras {
		args = append(args, extra+name)
	}
	for _, name := range groups {
		args = append(args, group+name)
	}
	return args
}

// exported runs an export. It returns errNoExport if the program has no such command.
func (s Spec) exported(ctx context.Context, p program, args ...string) (string, error) {
	stdout, stderr, err := p.run(ctx, args...)
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return stdout, nil
	case lacksExport(stdout + stderr):
		return "", errNoExport
	}
	return "", &source.Error{Position: source.Position{File: s.Lock}, Message: fmt.Sprintf("it cannot be exported: %s", lastLines(stdout+"\n"+stderr)),
		Hint: "check that it belongs to the pyproject.toml next to it, and lock again", Err: err}
}

// lacksExport reports whether a program failed because it has no export command. Its exit
// code is also that of other errors, so only its output distinguishes this one.
func lacksExport(output string) bool {
	return strings.Contains(output, `command "export" does not exist`) || strings.Contains(output, "command export does not exist")
}

// uv returns the uv on the PATH, or installs one.
func (s Spec) uv(ctx context.Context) (program, error) {
	if found, ok := find(s.Environ, "uv"); ok {
		return program{args: []string{found}, environ: s.environment()}, nil
	}
	dir, _, err := s.tool(ctx, "uv", "uv=="+uvVersion)
	if err != nil {
		return program{}, err
	}
	environ := append(s.environment(), "PATH="+filepath.Join(dir, "bin"))
	found, ok := find(environ, "uv")
	if !ok {
		return program{}, fmt.Errorf("pip installed uv without its program in %s", dir)
	}
	return program{args: []string{found}, environ: s.environment()}, nil
}

// poetry installs poetry with its export plugin.
func (s Spec) poetry(ctx context.Context) (program, error) {
	dir, python, err := s.tool(ctx, "poetry", "poetry=="+poetryVersion, "poetry-plugin-export=="+poetryExportVersion)
	if err != nil {
		return program{}, err
	}
	return program{args: append(python.args, "-m", "poetry"), environ: append(python.environ, "PYTHONPATH="+dir)}, nil
}

// tool installs packages for the Python of this machine into a directory that the user's
// repositories share, unless they are there.
func (s Spec) tool(ctx context.Context, name string, packages ...string) (string, program, error) {
	python, err := s.installer(ctx, name)
	if err != nil {
		return "", python, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q", packages, python.args))
	tools, err := machine.Shared("tools") // not in the working tree, which may contain programs of other people
	if err != nil {
		return "", python, fmt.Errorf("create the directory of %s: %w", name, err)
	}
	dir := filepath.Join(tools, name+"-"+hex.EncodeToString(key[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir, python, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", python, fmt.Errorf("create the directory of %s: %w", name, err)
	}
	making, err := os.MkdirTemp(filepath.Dir(dir), ".part-*")
	if err != nil {
		return "", python, fmt.Errorf("create the directory of %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(making) }() // already renamed on success
	args := append([]string{"-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", making}, packages...)
	stdout, stderr, err := python.run(ctx, args...)
	if ctx.Err() != nil {
		return "", python, ctx.Err()
	}
	if err != nil {
		return "", python, failed(fmt.Sprintf("%s was not found on the PATH and cannot be installed with pip", name), stdout+"\n"+stderr, err)
	}
	if err := os.Rename(making, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // no other process was faster
			return "", python, fmt.Errorf("move %s into the cache: %w", name, err)
		}
	}
	return dir, python, nil
}

// installer returns the Python whose pip installs a program that is not on the PATH.
func (s Spec) installer(ctx context.Context, name string) (program, error) {
	python, err := s.python(ctx)
	if errors.Is(err, errNoPip) {
		return python, fmt.Errorf("%s was not found on the PATH, and neither was a Python with pip to install it: %s needs one of them; install %s", name, s.Lock, name)
	}
	return python, err
}

// uvIndexes returns the indexes that a pyproject.toml names for uv, as NAME=URL or URL. An
// error in the file is not reported, because uv has read the file before.
func uvIndexes(project []byte) []string {
	var p struct {
		Tool struct {
			UV struct {
				Index []struct{ Name, URL string }
				First string   `toml:"index-url"`
				Extra []string `toml:"extra-index-url"`
			}
		}
	}
	if unmarshal(project, &p) != nil {
		return nil
	}
	var indexes []string
	for _, index := range p.Tool.UV.Index {
		if index.Name != "" {
			index.URL = index.Name + "=" + index.URL
		}
		indexes = append(indexes, index.URL)
	}
	if p.Tool.UV.First != "" {
		indexes = append(indexes, p.Tool.UV.First)
	}
	return append(indexes, p.Tool.UV.Extra...)
}
