package wheel

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Installer is the content of the INSTALLER file, which shows pip what installed a package.
const Installer = "slipway"

// tree holds the files of one installed package, by path.
type tree map[string]File

// install returns the files of a package in the environment, without RECORD. RECORD is
// written once it is known which of the files stay.
func (s Spec) install(t target, a *archive) (tree, error) {
	files := tree{}
	for _, e := range a.entries {
		if isSignature(e.name, a.info) {
			continue
		}
		where, kind, err := s.installPath(t, a, e.name)
		if err != nil {
			return nil, a.refuse(err)
		}
		f := a.content(where, e)
		if kind == "scripts" {
			if f, err = s.installScript(f, e); err != nil {
				return nil, a.refuse(err)
			}
		}
		if _, twice := files[where]; twice {
			return nil, a.refuse(fmt.Errorf("two of its files go to %s", where))
		}
		files[where] = f
	}
	bin := path.Join(s.Root, "bin")
	for _, command := range a.scripts {
		where := path.Join(bin, command.name)
		files[where] = generatedFile(where, 0o755, command.text(path.Join(bin, "python"))) // it replaces a script of that name, as in pip
	}
	installer := path.Join(s.sitePackages(t), a.info, "INSTALLER")
	files[installer] = generatedFile(installer, 0o644, []byte(Installer+"\n"))
	return files, nil
}

// content returns a file as it is stored in the wheel. An error while reading it is
// reported like any other error of the wheel. The deflate stream of a wheel that was built
// here is not reused, because other versions of zlib produce other bytes: its files are
// compressed again.
func (a *archive) content(where string, e *entry) File {
	f := File{Path: where, Mode: e.mode, Size: e.size, sum: e.sum, Open: func() (io.ReadCloser, error) {
		r, err := e.open()
		if err != nil {
			return nil, err
		}
		return &wheelErrorReader{r, a}, nil
	}}
	if a.built {
		return f
	}
	if f.Deflated = e.deflated(); f.Deflated == nil {
		return f
	}
	f.wheel = a.wheel.sum
	f.Deflated.Copy = func(plain, packed io.Writer) error {
		to, as := &sink{Writer: plain}, &sink{Writer: packed}
		err := e.copy(to, as)
		if failed := cmp.Or(to.err, as.err); failed != nil {
			return failed
		}
		if err != nil {
			return a.refuse(err)
		}
		return nil
	}
	return f
}

// sink records its write error, which must not be reported as an error of the wheel.
type sink struct {
	io.Writer
	err error
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.Writer.Write(b)
	if err != nil {
		s.err = err
	}
	return n, err
}

// wheelErrorReader is a reader that reports errors as those of the wheel.
type wheelErrorReader struct {
	io.ReadCloser
	archive *archive
}

func (r *wheelErrorReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.archive.refuse(err)
	}
	return n, err
}

// isSignature reports whether name is the wheel's RECORD or a signature of it. These do not
// describe the installed files.
func isSignature(name, info string) bool {
	return slices.Contains([]string{info + "/RECORD", info + "/RECORD.jws", info + "/RECORD.p7s"}, name)
}

func (s Spec) sitePackages(t target) string {
	return path.Join(s.Root, "lib", "python"+t.python(), "site-packages")
}

// installPath returns the path of a wheel's file in the image. For a file of the .data
// directory it also returns its kind. Pure and platform-specific packages share one
// directory.
func (s Spec) installPath(t target, a *archive, name string) (where, kind string, err error) {
	site := s.sitePackages(t)
	rest, ok := strings.CutPrefix(name, a.data+"/")
	if a.data == "" || !ok {
		return path.Join(site, name), "", nil
	}
	kind, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return "", "", fmt.Errorf("%s is not in a subdirectory of .data", name)
	}
	dirs := map[string]string{"purelib": site, "platlib": site, "scripts": path.Join(s.Root, "bin"), "data": s.Root,
		"headers": path.Join(s.Root, "include", "site", "python"+t.python(), a.filename.name)}
	dir, ok := dirs[kind]
	if !ok {
		return "", "", fmt.Errorf("%s is of the unknown kind %q", name, kind)
	}
	return path.Join(dir, rest), kind, nil
}

// installScript makes a script executable, and replaces a #!python line with the
// environment's interpreter.
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
	return generatedFile(f.Path, f.Mode, text), nil
}

// generatedFile returns a file that is not from a wheel.
func generatedFile(where string, mode fs.FileMode, text []byte) File {
	sum := sha256.Sum256(text)
	return File{Path: where, Mode: mode, Size: int64(len(text)), sum: hex.EncodeToString(sum[:]), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}}
}

func link(where, to string) File {
	return File{Path: where, Mode: fs.ModeSymlink | 0o777, Link: to}
}

// addRecord adds the RECORD that lists the installed files of a package.
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
	files[record] = generatedFile(record, 0o644, writeRecord(lines))
	return nil
}

// relative returns the path of a file relative to a directory. Both must be absolute and
// clean.
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
