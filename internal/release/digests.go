package release

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Digests are the lines of action/digests.txt: the SHA-256 of the program of each release
// for each platform, and of its sources. The names are VERSION/OS/ARCH and VERSION/sources.
// The newest release is first.
type Digests struct {
	lines []digest
}

type digest struct{ sum, name string }

// ErrNoDigest is the error of a release whose digests are not committed.
var ErrNoDigest = errors.New("the release has no digests")

// digestsHeader are the first lines of the file.
const digestsHeader = `# The SHA-256 of each release's program for each platform, and of its sources. action/install.sh runs no other program.
# go run mage.go digests VERSION writes the lines of a release; docs/releases.md says when.
`

// ParseDigests reads the text of action/digests.txt.
func ParseDigests(text string) (Digests, error) {
	var all Digests
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		sum, name, _ := strings.Cut(line, "  ")
		version, _, _ := strings.Cut(name, "/")
		if raw, err := hex.DecodeString(sum); err != nil || len(raw) != 32 || !IsTag(version) {
			return Digests{}, fmt.Errorf("%q is not a line of digests, such as SHA256  v1.2.3/linux/amd64", line)
		}
		all.lines = append(all.lines, digest{sum, name})
	}
	return all, nil
}

// Replace puts the digests of a version first, and leaves out those that it had.
// sources is that of its sources, and programs are those of its programs, by platform as in OS/ARCH.
func (d Digests) Replace(version, sources string, platforms []string, programs map[string]string) Digests {
	all := []digest{{sources, version + "/sources"}}
	for _, platform := range platforms {
		all = append(all, digest{programs[platform], version + "/" + platform})
	}
	for _, line := range d.lines {
		if !strings.HasPrefix(line.name, version+"/") {
			all = append(all, line)
		}
	}
	return Digests{all}
}

// String returns the text of action/digests.txt.
func (d Digests) String() string {
	text := digestsHeader
	for _, line := range d.lines {
		text += line.sum + "  " + line.name + "\n"
	}
	return text
}

// CheckSources returns an error unless the sources of a version have this digest. It wraps
// ErrNoDigest if the version has no digests.
func (d Digests) CheckSources(version, sum string) error { return d.check(version+"/sources", sum) }

// CheckProgram returns an error unless the program is that of its version.
func (d Digests) CheckProgram(p *Program) error {
	return d.check(p.Version+"/"+p.OS+"/"+p.Arch, p.SHA256)
}

func (d Digests) check(name, sum string) error {
	for _, line := range d.lines {
		if line.name != name {
			continue
		}
		if line.sum != sum {
			return fmt.Errorf("the SHA-256 of %s is %s, and action/digests.txt has %s: "+
				"a release is made from the commit of its digests, by the Go toolchain that go.mod names", name, sum, line.sum)
		}
		return nil
	}
	version, _, _ := strings.Cut(name, "/")
	return fmt.Errorf("%w: action/digests.txt does not have %s: run `go run mage.go digests %s`, commit the file, and tag that commit", ErrNoDigest, name, version)
}

// digestsFile is where the digests are in the repository.
const digestsFile = "action/digests.txt"

// ReadDigests reads the digests of the repository whose root is given.
func ReadDigests(root string) (Digests, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(digestsFile)))
	if err != nil {
		return Digests{}, err
	}
	return ParseDigests(string(text))
}

// Write writes the digests into the repository whose root is given.
func (d Digests) Write(root string) error {
	return os.WriteFile(filepath.Join(root, filepath.FromSlash(digestsFile)), []byte(d.String()), 0o644)
}
