package debian

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

// basePrefix begins the name of a base that is made of packages alone, such as apt:bookworm.
const basePrefix = "apt:"

// ReleaseOf returns the release of a base that is made of packages alone, such as bookworm for
// apt:bookworm, and false for every other base.
func ReleaseOf(base string) (release string, ok bool) { return strings.CutPrefix(base, basePrefix) }

// rootLinks are the links of a merged /usr and of /run, which exist before any package is unpacked.
// See wiki.debian.org/UsrMerge.
var rootLinks = map[string]string{"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/var/run": "/run", "/var/lock": "/run/lock"}

// leftOut is what debian's own slim images leave out, too: documentation, but not licenses.
const leftOut = `path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/groff/*
path-exclude /usr/share/info/*
path-exclude /usr/share/linda/*
path-exclude /usr/share/lintian/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
`

// leftOutFile is where dpkg reads what is left out.
const leftOutFile = "/etc/dpkg/dpkg.cfg.d/slipway"

// NewBase returns the base that has nothing. The packages that are added to it are a whole system,
// and configure does what some of their scripts do. goarch is the architecture of its platform.
func NewBase(goarch string) (*Base, error) {
	architecture, ok := architectures[goarch]
	if !ok {
		return nil, &Error{Message: fmt.Sprintf("cannot be made: Debian has no packages for %s", goarch), Hint: "remove the platform"}
	}
	links := maps.Clone(rootLinks)
	if architecture == "amd64" {
		links["/lib64"] = "usr/lib64"
	}
	layer := &rootfs.Layer{Nodes: map[string]rootfs.Node{}, Files: map[string][]byte{leftOutFile: []byte(leftOut)}}
	for name, target := range links {
		layer.Nodes[name] = rootfs.Node{Kind: rootfs.Link, Target: target}
	}
	fs := rootfs.Merge(layer)
	return &Base{fs: fs, architecture: architecture, installed: map[string]*Package{}, given: map[string][]*Package{}, excluded: readPathRules(fs), bare: true, links: links}, nil
}

// configured are the packages whose scripts were read. What these do when a system is installed,
// configure does, or it is of no use in a container: PAM, which asks for passwords, and the
// compiled files of Python's library, which Python makes when it may.
var configured = []string{
	"base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "debconf", "debianutils", "dpkg", "init-system-helpers", "libc-bin", "libc6",
	"libgcrypt20", "libgssapi-krb5-2", "libpam-modules", "libpam-runtime", "libpam0g", "login", "netbase", "passwd", "readline-common", "tzdata", "util-linux-extra",
	"python3", "python3.11", "python3.11-minimal", "python3.13", "python3.13-minimal", "python3-minimal",
}

// certificates is the directory of the certificates of authorities.
const certificates = "/usr/share/ca-certificates/"

// defaults are files of packages that are copied when a system is installed, to their places.
var defaults = map[string]string{
	"/usr/share/base-passwd/passwd.master": "/etc/passwd", "/usr/share/base-passwd/group.master": "/etc/group",
	"/usr/share/base-files/dot.profile": "/root/.profile", "/usr/share/base-files/dot.bashrc": "/root/.bashrc",
	"/usr/share/base-files/profile": "/etc/profile", "/usr/share/base-files/motd": "/etc/motd",
	"/usr/share/libc-bin/nsswitch.conf": "/etc/nsswitch.conf", "/usr/share/readline/inputrc": "/etc/inputrc", "/usr/share/debianutils/shells": "/etc/shells",
}

// isDefault reports whether configure needs the content of a file.
func isDefault(name string) bool {
	return defaults[name] != "" || strings.HasPrefix(name, certificates) && path.Ext(name) == ".crt"
}

// mergeRoot writes the links of the base at the top, into which packages write. The others are
// written by configure.
func (w *layerWriter) mergeRoot() error {
	for _, name := range slices.Sorted(maps.Keys(w.base.links)) {
		target := w.base.links[name]
		if path.Dir(name) != "/" {
			continue // its directory is that of a package, which has its mode
		}
		if err := w.link(name, target); err != nil {
			return err
		}
		if err := w.directory(path.Join("/", target), 0o755, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// link writes a symbolic link of the system itself, unless a package has something there.
func (w *layerWriter) link(at, target string) error {
	if _, ok := w.owners[at]; ok {
		return nil
	}
	if err := w.claim("dpkg", at); err != nil {
		return err
	}
	w.links[at] = target
	to := header(tar.TypeSymlink, at, 0o777)
	to.Linkname = target
	return w.to.WriteHeader(to)
}

// missingFile writes a file of the system itself, unless a package has something there.
func (w *layerWriter) missingFile(at string, mode int64, text []byte) error {
	if _, ok := w.owners[w.base.place(at)]; ok {
		return nil
	}
	return w.file(at, mode, text)
}

// configure writes what the scripts of configured packages make when a system is installed.
func (w *layerWriter) configure(all []*unpacked) error {
	has := map[string]*unpacked{}
	for _, u := range all {
		has[u.control["package"]] = u
	}
	links := map[string]string{"/var/spool/mail": "../mail", "/usr/local/man": "share/man", "/etc/dpkg/origins/default": "debian"}
	maps.Copy(links, w.base.links)
	texts := map[string][]byte{leftOutFile: []byte(leftOut), infoDir + "/format": []byte("1\n"), "/var/lib/dpkg/available": nil}
	for _, dir := range []string{"/boot", "/home", "/mnt", "/srv", "/opt", "/etc/opt", "/var/opt", "/media", "/usr/local/share/man", "/usr/local/bin", "/usr/local/games", "/usr/local/lib", "/usr/local/include", "/usr/local/sbin", "/usr/local/src", "/usr/local/etc"} {
		if err := w.directory(dir, 0o755, 0, 0); err != nil {
			return err
		}
	}
	const mail = 8 // its group in base-passwd
	if err := w.directory("/var/mail", 0o2775, 0, mail); err != nil {
		return err
	}
	if err := w.directory("/run/lock", 0o1777, 0, 0); err != nil {
		return err
	}
	for from, to := range defaults {
		if text, ok := w.kept[from]; ok {
			texts[to] = text
		}
	}
	if has["bash"] != nil && texts["/etc/shells"] != nil {
		texts["/etc/shells"] = append(bytes.Clone(texts["/etc/shells"]), "/bin/bash\n/usr/bin/bash\n/bin/rbash\n/usr/bin/rbash\n/bin/dash\n/usr/bin/dash\n"...)
	}
	if has["tzdata"] != nil {
		links["/etc/localtime"], texts["/etc/timezone"] = "/usr/share/zoneinfo/Etc/UTC", []byte("Etc/UTC\n")
	}
	if has["netbase"] != nil {
		texts["/etc/networks"] = []byte("default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n\n")
	}
	if has["python3"] != nil {
		texts["/etc/python3/debian_config"] = []byte("[DEFAULT]\n# how to byte-compile (comma separated: standard, optimize)\nbyte-compile = standard\n")
	}
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if version, ok := strings.CutSuffix(name, "-minimal"); ok && strings.HasPrefix(name, "python3.") {
			texts["/etc/"+version+"/sitecustomize.py"] = []byte("# Empty sitecustomize.py to avoid a dangling symlink\n")
			if err := w.directory("/usr/local/lib/"+version+"/dist-packages", 0o755, 0, 0); err != nil {
				return err
			}
		}
	}
	if has["ca-certificates"] != nil {
		w.trust(texts, links)
	}
	for _, name := range slices.Sorted(maps.Keys(links)) {
		if err := w.link(name, links[name]); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := w.missingFile(name, 0o644, texts[name]); err != nil {
			return err
		}
	}
	return nil
}

// trust adds the certificates of authorities as update-ca-certificates does: a bundle, a link for
// each, and the list of them.
func (w *layerWriter) trust(texts map[string][]byte, links map[string]string) {
	var bundle, list bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(w.kept)) {
		relative, ok := strings.CutPrefix(name, certificates)
		if !ok {
			continue
		}
		list.WriteString(relative + "\n")
		bundle.Write(append(bytes.TrimRight(w.kept[name], "\n"), '\n'))
		links["/etc/ssl/certs/"+strings.TrimSuffix(path.Base(name), ".crt")+".pem"] = name
	}
	texts["/etc/ca-certificates.conf"], texts["/etc/ssl/certs/ca-certificates.crt"] = list.Bytes(), bundle.Bytes()
}
