package wheel

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/source"
)

// Installer is what slipway writes into INSTALLER, by which pip sees who put a
// package where it is.
const Installer = "slipway"

// tree is one package as it is installed, by path.
type tree map[string]File

// install gives the files of a package in the environment, without its RECORD,
// which is written when it is known which of them stay.
func (s Spec) install(t target, a *archive) (tree, error) {
	files := tree{}
	for _, e := range a.entries {
		if isSignature(e.name, a.info) {
			continue
		}
		where, kind, err := s.place(t, a, e.name)
		if err != nil {
			return nil, s.refuse(a, err)
		}
		f := File{Path: where, Mode: e.mode, Size: e.size, Open: e.open, sum: e.sum}
		if kind == "scripts" {
			if f, err = s.installScript(f, e); err != nil {
				return nil, s.refuse(a, err)
			}
		}
		if _, twice := files[where]; twice {
			return nil, s.refuse(a, fmt.Errorf("two of its files go to %s", where))
		}
		files[where] = f
	}
	bin := path.Join(s.Root, "bin")
	for _, command := range a.scripts {
		where := path.Join(bin, command.name)
		files[where] = made(where, 0o755, command.text(path.Join(bin, "python"))) // before a script of that name, as pip has it
	}
	installer := path.Join(s.sitePackages(t), a.info, "INSTALLER")
	files[installer] = made(installer, 0o644, []byte(Installer+"\n"))
	return files, nil
}

func (s Spec) refuse(a *archive, err error) error {
	return &source.Error{Position: a.at, Message: fmt.Sprintf("the wheel %s cannot be installed: %v", a.file, err), Hint: "choose another version", Err: err}
}

// isSignature tells the RECORD of a wheel and its signatures, which are not
// those of what is installed.
func isSignature(name, info string) bool {
	return slices.Contains([]string{info + "/RECORD", info + "/RECORD.jws", info + "/RECORD.p7s"}, name)
}

func (s Spec) sitePackages(t target) string {
	return path.Join(s.Root, "lib", "python"+t.python(), "site-packages")
}

// place gives the path of a wheel's file in the image, and of a file of the .data
// directory the kind. Pure and platform specific packages are in one directory.
func (s Spec) place(t target, a *archive, name string) (where, kind string, err error) {
	site := s.sitePackages(t)
	rest, ok := strings.CutPrefix(name, a.data+"/")
	if a.data == "" || !ok {
		return path.Join(site, name), "", nil
	}
	kind, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return "", "", fmt.Errorf("%s is of no kind", name)
	}
	dirs := map[string]string{"purelib": site, "platlib": site, "scripts": path.Join(s.Root, "bin"), "data": s.Root,
		"headers": path.Join(s.Root, "include", "site", "python"+t.python(), a.filename.name)}
	dir, ok := dirs[kind]
	if !ok {
		return "", "", fmt.Errorf("%s is of the kind %q, which is not known", name, kind)
	}
	return path.Join(dir, rest), kind, nil
}

// installScript makes a script executable, with the environment's interpreter.
func (s Spec) installScript(f File, e *entry) (File, error) {
	f.Mode = 0o755
	const most = 16 << 20
	start, err := e.start(int64(len("#!python")))
	if err != nil || string(start) != "#!python" || e.size > most {
		return f, err
	}
	text, err := e.bytes()
	if err != nil {
		return f, err
	}
	text, _ = shebang(text, path.Join(s.Root, "bin", "python"))
	return made(f.Path, f.Mode, text), nil
}

// made is a file that is in no wheel.
func made(where string, mode fs.FileMode, text []byte) File {
	sum := sha256.Sum256(text)
	return File{Path: where, Mode: mode, Size: int64(len(text)), sum: hex.EncodeToString(sum[:]), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
}

func link(where, to string) File {
	return File{Path: where, Mode: fs.ModeSymlink | 0o777, Link: to}
}

// addRecord writes the RECORD of what a package has installed.
func (s Spec) addRecord(t target, a *archive, files tree) error {
	site := s.sitePackages(t)
	var lines []installed
	for where, f := range files {
		raw, err := hex.DecodeString(f.sum)
		if err != nil {
			return fmt.Errorf("the hash of %s: %w", where, err)
		}
		lines = append(lines, installed{relative(site, where), recordHash(raw), f.Size})
	}
	lines = append(lines, installed{path: a.info + "/RECORD"})
	slices.SortFunc(lines, func(x, y installed) int { return strings.Compare(x.path, y.path) })
	record := path.Join(site, a.info, "RECORD")
	files[record] = made(record, 0o644, writeRecord(lines))
	return nil
}

// relative gives the path of a file from a directory; both are absolute and clean.
func relative(dir, file string) string {
	up := ""
	for !strings.HasPrefix(file, dir+"/") {
		dir, up = path.Dir(dir), up+"../"
		if dir == "/" {
			return up + strings.TrimPrefix(file, "/")
		}
	}
	return up + strings.TrimPrefix(file, dir+"/")
}
