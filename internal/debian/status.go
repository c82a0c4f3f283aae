package debian

import (
	"bytes"
	"crypto/md5" //nolint:gosec // dpkg keeps the MD5 of configuration files
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// controlFile is the form of the names of control files.
var controlFile = lazyregexp.New(`^[a-z0-9][a-z0-9_-]*$`)

// unpacked is a package whose files are in the layer.
type unpacked struct {
	control   paragraph
	files     map[string][]byte
	list      []string
	conffiles map[string]string
	effects   effects
}

// readUnpacked returns the package that control files describe, and an error unless it is the
// package that is wanted. bare reports whether it is for a base that has nothing.
func readUnpacked(want *Package, files map[string][]byte, bare bool) (*unpacked, error) {
	u := &unpacked{files: files, conffiles: map[string]string{}, list: []string{"/."}}
	err := readParagraphs(bytes.NewReader(files["control"]), nil, func(p paragraph) error {
		if u.control != nil {
			return errors.New("it has two packages")
		}
		u.control = p
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("its control file cannot be read: %w", err)
	}
	is, err := newPackage(u.control)
	if err != nil {
		return nil, err
	}
	if is.Name != want.Name || is.Version != want.Version || is.Architecture != want.Architecture {
		return nil, fmt.Errorf("it is %s %s for %s", is.Name, is.Version, is.Architecture)
	}
	for line := range strings.SplitSeq(string(files["conffiles"]), "\n") {
		if words := strings.Fields(line); len(words) == 1 { // others are flags, such as remove-on-upgrade
			u.conffiles[words[0]] = ""
		}
	}
	u.effects, err = judge(is.Name, files, bare && slices.Contains(configured, is.Name))
	if refused := new(Error); errors.As(err, &refused) && want.requested != "" && want.requested != is.Name {
		refused.Package, refused.Message = want.requested, want.requested+" cannot be added: "+refused.Message
	}
	return u, err
}

// configure records the content of a file, if it is a configuration file of the package.
func (u *unpacked) configure(name string, content []byte) {
	if _, ok := u.conffiles[name]; ok {
		u.conffiles[name] = fmt.Sprintf("%x", md5.Sum(content)) //nolint:gosec // as dpkg does
	}
}

// stanza returns the paragraph of dpkg's status.
func (u *unpacked) stanza() string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(string(u.files["control"]), "\n"), "\n") {
		b.WriteString(line + "\n")
		if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(name, "package") {
			b.WriteString("Status: install ok installed\n")
		}
	}
	if len(u.conffiles) > 0 {
		b.WriteString("Conffiles:\n")
		for _, name := range slices.Sorted(maps.Keys(u.conffiles)) {
			if sum := u.conffiles[name]; sum != "" {
				fmt.Fprintf(&b, " %s %s\n", name, sum)
			}
		}
	}
	return b.String()
}

// info returns the files that dpkg keeps of the package in infoDir.
func (u *unpacked) info() map[string][]byte {
	prefix := infoDir + "/" + u.control["package"]
	if u.control["multi-arch"] == "same" {
		prefix += ":" + u.control["architecture"]
	}
	all := map[string][]byte{prefix + ".list": []byte(strings.Join(u.list, "\n") + "\n")}
	for name, text := range u.files {
		if name != "control" {
			all[prefix+"."+name] = text
		}
	}
	return all
}
