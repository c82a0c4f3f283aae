package debian

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/rootfs"
)

const (
	// statusFile is dpkg's list of installed packages, and statusDir that of images without dpkg.
	statusFile = "/var/lib/dpkg/status"
	statusDir  = "/var/lib/dpkg/status.d"
	infoDir    = "/var/lib/dpkg/info"
)

// Base is the base image that packages are added to.
type Base struct {
	fs *rootfs.FS
	// architecture is Debian's name of the architecture.
	architecture string
	installed    map[string]*Package
	// given are the packages that provide a name.
	given  map[string][]*Package
	status []byte
	// excluded are the patterns of files that dpkg leaves out.
	excluded []pathRule
	// bare reports whether the base has nothing: what is added is a whole system. links are the links
	// that it has then.
	bare  bool
	links map[string]string
}

// architectures are Debian's names of Go's architectures.
var architectures = map[string]string{"amd64": "amd64", "arm64": "arm64", "386": "i386", "arm": "armhf", "ppc64le": "ppc64el", "s390x": "s390x", "riscv64": "riscv64"}

// ReadBase reads which packages a base has. goarch is the architecture of its platform. It returns
// an *Error if the base is not one of Debian or a distribution that is made of it.
func ReadBase(fs *rootfs.FS, goarch string) (*Base, error) {
	architecture, ok := architectures[goarch]
	if !ok {
		return nil, &Error{Message: fmt.Sprintf("Debian has no packages for %s", goarch), Hint: "remove system or the platform"}
	}
	b := &Base{fs: fs, architecture: architecture, installed: map[string]*Package{}, given: map[string][]*Package{}}
	if b.status, ok = fs.File(statusFile); !ok {
		e := &Error{Message: "has no dpkg status (" + statusFile + "), so it is not Debian or Ubuntu", Hint: "use a base such as python:3.12-slim or debian:stable-slim; or add the packages with its own package manager in a Dockerfile, and use that image as the base: base: slipway://NAME"}
		if len(fs.Files(statusDir)) > 0 {
			e.Message = "is without dpkg and apt, as distroless images are"
		}
		if fs.Partial {
			e.Message = "has layers that cannot be read, so its packages are not known"
		}
		return nil, e
	}
	err := readParagraphs(bytes.NewReader(b.status), packageFields, func(p paragraph) error {
		if !isInstalled(p["status"]) {
			return nil
		}
		one, err := newPackage(p)
		if err != nil {
			return err
		}
		if one.Architecture != architecture && one.Architecture != "all" {
			return nil
		}
		b.installed[one.Name] = one
		for _, r := range one.provides() {
			b.given[r.name] = append(b.given[r.name], one)
		}
		return nil
	})
	if err != nil {
		return nil, &Error{Message: fmt.Sprintf("has a dpkg status that cannot be read: %v", err), Hint: "use another base", Err: err}
	}
	b.excluded = readPathRules(fs)
	return b, nil
}

// Distribution returns the id of the base's distribution, such as debian or ubuntu.
func (b *Base) Distribution() string {
	if id := b.release("ID"); id != "" {
		return id
	}
	return "debian"
}

// release returns a field of os-release(5), or "".
func (b *Base) release(field string) string {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		text, _ := b.fs.File(name)
		for line := range strings.SplitSeq(string(text), "\n") {
			if value, ok := strings.CutPrefix(line, field+"="); ok && nameForm.MatchString(strings.Trim(value, `"`)) {
				return strings.Trim(value, `"`)
			}
		}
	}
	return ""
}

// isInstalled reports whether the field Status says that a package can be used.
func isInstalled(status string) bool {
	words := strings.Fields(status)
	if len(words) != 3 {
		return false
	}
	switch words[2] {
	case "installed", "triggers-pending", "triggers-awaited":
		return true
	}
	return false
}

// holds reports whether the base satisfies a relation.
func (b *Base) holds(r relation) bool {
	if p := b.installed[r.name]; p != nil && r.heldBy(p) {
		return true
	}
	for _, p := range b.given[r.name] {
		if r.heldBy(p) {
			return true
		}
	}
	return false
}

// pathRule is a path-exclude or a path-include of dpkg's configuration. See dpkg(1).
type pathRule struct {
	pattern *regexp.Regexp
	exclude bool
}

// pathOption matches an option with a pattern, behind a blank or an equals sign.
var pathOption = lazyregexp.New(`^\s*path-(exclude|include)(?:\s*=\s*|\s+)(\S.*?)\s*$`)

// readPathRules returns the rules of dpkg's configuration, in order.
func readPathRules(fs *rootfs.FS) []pathRule {
	var rules []pathRule
	for _, name := range append(fs.Files("/etc/dpkg/dpkg.cfg.d"), "/etc/dpkg/dpkg.cfg") {
		text, _ := fs.File(name)
		for line := range strings.SplitSeq(string(text), "\n") {
			if m := pathOption.FindStringSubmatch(line); m != nil {
				rules = append(rules, pathRule{globPattern(m[2]), m[1] == "exclude"})
			}
		}
	}
	return rules
}

// globPattern returns the regular expression of a pattern, in which * and ? stand for slashes, too.
func globPattern(glob string) *regexp.Regexp {
	var b strings.Builder
	for _, c := range glob {
		switch c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.MustCompile("^(?s:" + b.String() + ")$")
}

// leavesOut reports whether dpkg would leave a file out. The last rule that matches decides.
func (b *Base) leavesOut(name string) bool {
	out := false
	for _, r := range b.excluded {
		if r.exclude != out && r.pattern.MatchString(name) {
			out = r.exclude
		}
	}
	return out
}

// place returns where a file of a package goes: below the directories that the base's links lead
// to.
func (b *Base) place(name string) string {
	if name == "/" {
		return name
	}
	return path.Join(b.fs.Real(path.Dir(name)), path.Base(name))
}
