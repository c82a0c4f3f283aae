package wheel

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slipway-ci/slipway/internal/source"
)

// maxWheelSize is the limit on the total size in bytes of the files of a wheel. It is five
// times that of the largest known wheels, which contain libraries for GPUs.
const maxWheelSize = 16 << 30

// archive is a wheel whose directory and metadata were read and found to be valid.
type archive struct {
	wheel
	filename
	entries []*entry
	// info is the name of the .dist-info directory, data that of the .data directory.
	info, data string
	purelib    bool
	metadata   metadata
	// scripts are the commands that the entry points declare.
	scripts []script
}

// open reads a wheel's zip directory and its metadata, as the binary distribution format
// defines them. The files in it are verified when they are read. If the wheel is not valid,
// open returns a *source.Error at the requirement.
func open(ctx context.Context, t target, w wheel) (*archive, error) {
	a := &archive{wheel: w}
	err := a.read(ctx, t)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, a.refuse(err)
	}
	return a, nil
}

// refuse returns err as a *source.Error that names the wheel.
func (a *archive) refuse(err error) error {
	return &source.Error{Position: a.at, Message: fmt.Sprintf("the wheel %s cannot be installed: %v", a.file, err), Hint: "choose another version", Err: err}
}

func (a *archive) read(ctx context.Context, t target) error {
	var ok bool
	if a.filename, ok = parseFilename(a.file); !ok {
		return fmt.Errorf("its name is not a valid wheel file name")
	}
	if !t.accepts(a.filename) {
		return fmt.Errorf("it is not for %s", t)
	}
	if a.filename.name != a.requirement.name || !sameVersion(a.filename.version, a.requirement.version) {
		return fmt.Errorf("it is not %s", a.requirement)
	}
	file, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := a.readDirectory(file); err != nil {
		return err
	}
	if err := a.readInfo(); err != nil {
		return err
	}
	if a.indexed && !t.isFor(a.metadata.python) {
		return fmt.Errorf("it requires Python %s, but the image has %s", a.metadata.python, t.requestedPython)
	}
	return a.noteSums(ctx)
}

// readDirectory reads the directory of the zip. It returns an error for entries that are
// unsafe, encrypted or compressed in an unknown way.
func (a *archive) readDirectory(file *os.File) error {
	directory, err := zip.NewReader(file, a.size)
	if err != nil {
		return fmt.Errorf("it is not a zip file: %w", err)
	}
	seen := map[string]bool{}
	var total uint64
	for _, f := range directory.File {
		if why := unsafeName(f); why != "" {
			return fmt.Errorf("the name %q in it %s", f.Name, why)
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if seen[f.Name] {
			return fmt.Errorf("%s is in it twice", f.Name)
		}
		seen[f.Name] = true
		if f.Method != zip.Store && f.Method != zip.Deflate || f.Flags&1 != 0 {
			return fmt.Errorf("%s uses an unsupported compression or encryption", f.Name)
		}
		if total += f.UncompressedSize64; f.UncompressedSize64 > maxWheelSize || total > maxWheelSize {
			return fmt.Errorf("its files have more than %d GiB", maxWheelSize>>30)
		}
		offset, err := f.DataOffset()
		if err != nil || offset < 0 || offset > a.size || f.CompressedSize64 > uint64(a.size-offset) {
			return fmt.Errorf("%s is not at the position in the zip directory", f.Name)
		}
		mode := os.FileMode(0o644)
		if f.Mode().IsRegular() && f.Mode()&0o111 != 0 {
			mode = 0o755
		}
		a.entries = append(a.entries, &entry{archive: a.path, name: f.Name, mode: mode, method: f.Method, offset: offset,
			packed: int64(f.CompressedSize64), size: int64(f.UncompressedSize64), crc: f.CRC32})
	}
	slices.SortFunc(a.entries, func(x, y *entry) int { return strings.Compare(x.name, y.name) })
	for name := range seen {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if seen[dir] {
				return fmt.Errorf("%s is both a file and a directory in it", dir)
			}
		}
	}
	return nil
}

// unsafeName returns why the name of an entry is refused, or "" if it is safe.
func unsafeName(f *zip.File) string {
	name := strings.TrimSuffix(f.Name, "/")
	switch {
	case f.NonUTF8 || !utf8.ValidString(name):
		return "is not UTF-8"
	case name == "" || path.IsAbs(name) || path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return "leads outside of it, or is not a normalized path"
	case strings.ContainsRune(name, '\\') || strings.IndexFunc(name, unicode.IsControl) >= 0:
		return "has a backslash or a control character"
	case strings.HasPrefix(name, ".wh.") || strings.Contains(name, "/.wh."):
		return "would delete files of the base: in a layer of an image, names that begin with .wh. do"
	case len(name) > 3000 || slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return len(part) > 255 }):
		return "is too long"
	}
	return ""
}

// entry returns the file with the given name.
func (a *archive) entry(name string) (*entry, bool) {
	n, ok := slices.BinarySearchFunc(a.entries, name, func(e *entry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return nil, false
	}
	return a.entries[n], true
}

// text returns the content of a metadata file. It returns an error if the file is missing,
// larger than 16 MiB, or not UTF-8. The largest known RECORD has 3 MB.
func (a *archive) text(name string) (string, error) {
	e, ok := a.entry(name)
	if !ok {
		return "", fmt.Errorf("it has no %s", name)
	}
	const most = 16 << 20
	if e.size > most {
		return "", fmt.Errorf("%s is larger than %d MiB", name, most>>20)
	}
	text, err := e.bytes()
	if err == nil && !utf8.Valid(text) && !strings.HasSuffix(name, "/METADATA") { // METADATA of old packages may have any encoding
		err = fmt.Errorf("%s is not UTF-8", name)
	}
	return string(text), err
}

// readInfo reads the .dist-info directory: WHEEL, METADATA and entry_points.txt.
func (a *archive) readInfo() error {
	for _, e := range a.entries {
		top, _, nested := strings.Cut(e.name, "/")
		if !nested {
			continue
		}
		if stem, ok := strings.CutSuffix(top, ".dist-info"); ok && top != a.info && a.isOwn(stem) {
			if a.info != "" {
				return fmt.Errorf("it has two .dist-info directories")
			}
			a.info = top
		}
		if stem, ok := strings.CutSuffix(top, ".data"); ok && top != a.data && a.isOwn(stem) {
			if a.data != "" {
				return fmt.Errorf("it has two .data directories")
			}
			a.data = top
		}
	}
	if a.info == "" {
		return fmt.Errorf("it has no .dist-info directory of its name and version")
	}
	text, err := a.text(a.info + "/WHEEL")
	if err != nil {
		return err
	}
	header := parseHeader(text)
	if major, _, _ := strings.Cut(header.get("Wheel-Version"), "."); major != "1" {
		return fmt.Errorf("its Wheel-Version is %q, and only 1.x is supported", header.get("Wheel-Version"))
	}
	a.purelib = strings.EqualFold(header.get("Root-Is-Purelib"), "true")
	if text, err = a.text(a.info + "/METADATA"); err != nil {
		return err
	}
	a.metadata = parseMetadata(text)
	if normalName(a.metadata.name) != a.filename.name || !sameVersion(a.metadata.version, a.filename.version) {
		return fmt.Errorf("its METADATA is that of %s %s", a.metadata.name, a.metadata.version)
	}
	if _, ok := a.entry(a.info + "/entry_points.txt"); !ok {
		return nil
	}
	if text, err = a.text(a.info + "/entry_points.txt"); err != nil {
		return err
	}
	a.scripts, err = parseEntryPoints(text)
	return err
}

// isOwn reports whether stem is NAME-VERSION as in the wheel's file name.
func (a *archive) isOwn(stem string) bool {
	cut := strings.LastIndex(stem, "-")
	return cut > 0 && normalName(stem[:cut]) == a.filename.name && sameVersion(strings.ReplaceAll(stem[cut+1:], "_", "-"), a.filename.version)
}
