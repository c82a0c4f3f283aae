package debian

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

// Layer is what packages add to a base.
type Layer struct {
	Base     *Base
	Packages []*Package
	// Open opens the file of a package, whose hash it verifies.
	Open func(context.Context, *Package) (io.ReadCloser, error)
}

// Write writes the files of the packages, and what dpkg knows of them, to an archive. The bytes
// depend only on the base and on the packages. Times are the Unix epoch. The error is an *Error if
// a package is at fault.
func (l *Layer) Write(ctx context.Context, to *tar.Writer) error {
	w := &layerWriter{ctx: ctx, base: l.Base, to: to, owners: map[string]string{}, links: map[string]string{}, kept: map[string][]byte{}, libraries: map[string]string{}}
	var all []*unpacked
	packages, err := l.missing()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.ctx = ctx
	if l.Base.bare {
		if err := w.mergeRoot(); err != nil {
			return err
		}
	}
	readings, wait := l.readAll(ctx, packages)
	for n, p := range packages {
		u, ok := <-readings[n].control
		if ok {
			err = w.data(u, tar.NewReader(readings[n]))
		}
		if err == nil || ok && !errors.As(err, new(*Error)) {
			err = cmp.Or(readings[n].end(), err) // a file that is broken is the reason of what comes after
		}
		if err != nil {
			cancel()
			_ = wait()
			return explain(p, err)
		}
		all = append(all, u)
	}
	if err := wait(); err != nil {
		return err
	}
	if err := l.complete(all); err != nil {
		return err
	}
	if err := w.alternatives(all); err != nil {
		return err
	}
	for _, u := range all {
		for _, link := range slices.Sorted(maps.Keys(u.effects.links)) {
			if err := w.symlink(u.control["package"], link, u.effects.links[link]); err != nil {
				return err
			}
		}
	}
	if l.Base.bare {
		if err := w.configure(all); err != nil {
			return err
		}
	}
	if err := w.loaderCache(); err != nil {
		return err
	}
	return w.state(all)
}

// explain adds to an error which package it is about.
func explain(p *Package, err error) error {
	if errors.As(err, new(*Error)) || errors.As(err, new(*RepositoryError)) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &RepositoryError{Message: fmt.Sprintf("the package %s %s cannot be unpacked: %v", p.Name, p.Version, err), Hint: "the repository has a package that is broken", final: true, Err: err}
}

// layerWriter writes a layer.
type layerWriter struct {
	ctx  context.Context
	base *Base
	to   *tar.Writer
	// owners are the packages of the paths that were written, and links the targets of those that are links.
	owners map[string]string
	links  map[string]string
	// kept are the contents of files that configure takes up, and of ldconfig's configuration.
	kept map[string][]byte
	// libraries are the names of the libraries that were written, by path.
	libraries map[string]string
}

// data writes the files of a package.
func (w *layerWriter) data(u *unpacked, archive *tar.Reader) error {
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := cleanName(h.Name)
		if err != nil {
			return err
		}
		if name == "/" {
			continue
		}
		u.list = append(u.list, name)
		if w.base.leavesOut(name) && h.Typeflag != tar.TypeDir {
			continue
		}
		if err := w.entry(u, name, h, archive); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// cleanName returns the absolute path of a file of a package.
func cleanName(name string) (string, error) {
	clean := path.Clean("/" + name)
	if strings.ContainsAny(name, "\x00\n") || strings.HasPrefix(path.Base(clean), ".wh.") || "/"+strings.Trim(strings.TrimPrefix(name, "."), "/") != clean && name != "./" && name != "." {
		return "", fmt.Errorf("the package has a file of the name %q", name)
	}
	return clean, nil
}

// entry writes an entry of the archive of a package.
func (w *layerWriter) entry(u *unpacked, name string, h *tar.Header, content io.Reader) error {
	owner := u.control["package"]
	if h.Typeflag == tar.TypeDir {
		return w.directory(w.base.fs.Real(name), h.Mode&0o7777, h.Uid, h.Gid)
	}
	at := w.base.place(name)
	if h.Typeflag == tar.TypeSymlink {
		return w.symlink(owner, name, h.Linkname)
	}
	if err := w.claim(owner, at); err != nil {
		return err
	}
	to := header(h.Typeflag, at, h.Mode&0o7777)
	to.Uid, to.Gid = h.Uid, h.Gid
	switch h.Typeflag {
	case tar.TypeReg:
		if to.Size = h.Size; h.Size > maxData {
			return errTooLarge
		}
		if err := w.to.WriteHeader(to); err != nil {
			return err
		}
		var copied bytes.Buffer
		body := io.Writer(w.to)
		_, isSetting := u.conffiles[name]
		isKept := w.base.bare && isDefault(name) || isLoaderConf(name)
		isLibrary := libraryFile.MatchString(at)
		if (isSetting || isKept) && h.Size <= maxControl || isLibrary && h.Size <= maxLibrary {
			body = io.MultiWriter(w.to, &copied)
		}
		if _, err := io.Copy(body, content); err != nil {
			return err
		}
		u.configure(name, copied.Bytes())
		if isKept {
			w.kept[name] = copied.Bytes()
		}
		if isLibrary {
			w.library(at, copied.Bytes())
		}
		return nil
	case tar.TypeLink:
		target, err := cleanName(h.Linkname)
		if err != nil {
			return err
		}
		if target = w.base.place(target); w.owners[target] != owner || w.links[target] != "" {
			return fmt.Errorf("it is a hard link to %s, which is not a file of the package", target)
		}
		to.Linkname = strings.TrimPrefix(target, "/")
		return w.to.WriteHeader(to)
	}
	return fmt.Errorf("it is of the type %q, such as a device", h.Typeflag)
}

// symlink writes a symbolic link, unless the base has a directory at its path.
func (w *layerWriter) symlink(owner, name, target string) error {
	at := w.base.place(name)
	if n, ok := w.base.fs.Node(at); ok && (n.Kind == rootfs.Directory || w.base.bare && n.Kind == rootfs.Link) {
		return nil // as dpkg does; the links of a bare base are written in mergeRoot and configure
	}
	if target == "" || strings.ContainsRune(target, 0) {
		return fmt.Errorf("it is a link to %q", target)
	}
	if err := w.claim(owner, at); err != nil {
		return err
	}
	w.links[at] = target
	to := header(tar.TypeSymlink, at, 0o777)
	to.Linkname = target
	return w.to.WriteHeader(to)
}

// claim makes the directories above a path that a package is about to write.
func (w *layerWriter) claim(owner, at string) error {
	if had, ok := w.owners[at]; ok {
		return &Error{Package: owner, Message: fmt.Sprintf("the packages %s and %s both have %s", had, owner, at), Hint: "leave one of them out; or " + dockerfileHint}
	}
	if err := w.directory(path.Dir(at), 0o755, 0, 0); err != nil {
		return err
	}
	w.owners[at] = owner
	return nil
}

// directory writes a directory with those above it, unless it is written. What the base has keeps
// its mode and its owner.
func (w *layerWriter) directory(at string, mode int64, uid, gid int) error {
	if at == "/" {
		return nil
	}
	if had, ok := w.owners[at]; ok {
		if had != "" {
			return fmt.Errorf("%s is a directory, and the package %s has a file or a link there", at, had)
		}
		return nil
	}
	if err := w.directory(path.Dir(at), 0o755, 0, 0); err != nil {
		return err
	}
	if n, ok := w.base.fs.Node(at); ok && n.Kind == rootfs.Directory {
		mode, uid, gid = n.Mode, n.UID, n.GID
	}
	w.owners[at] = ""
	to := header(tar.TypeDir, at+"/", mode)
	to.Uid, to.Gid = uid, gid
	return w.to.WriteHeader(to)
}

// file writes a file of dpkg itself.
func (w *layerWriter) file(at string, mode int64, text []byte) error {
	at = w.base.place(at)
	if err := w.claim("dpkg", at); err != nil {
		return err
	}
	to := header(tar.TypeReg, at, mode)
	to.Size = int64(len(text))
	if err := w.to.WriteHeader(to); err != nil {
		return err
	}
	_, err := w.to.Write(text)
	return err
}

// header returns a header whose time is the Unix epoch.
func header(kind byte, name string, mode int64) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: strings.TrimPrefix(name, "/"), Mode: mode, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
}

// state writes what dpkg knows of the packages: their control files, and its status.
func (w *layerWriter) state(all []*unpacked) error {
	info := map[string][]byte{}
	status := &bytes.Buffer{}
	if had := bytes.TrimRight(w.base.status, "\n"); len(had) > 0 {
		status.Write(append(had, "\n\n"...))
	}
	for _, u := range all {
		maps.Copy(info, u.info())
		status.WriteString(u.stanza() + "\n")
	}
	for _, name := range slices.Sorted(maps.Keys(info)) {
		mode := int64(0o644)
		switch path.Ext(name) {
		case ".preinst", ".postinst", ".prerm", ".postrm", ".config":
			mode = 0o755
		}
		if err := w.file(name, mode, info[name]); err != nil {
			return err
		}
	}
	return w.file(statusFile, 0o644, status.Bytes())
}
