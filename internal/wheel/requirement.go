package wheel

import (
	"errors"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// requirement is one package of a lock.
type requirement struct {
	// name is normalized, and version is exact.
	name, version string
	// hashes are the SHA-256 sums of the files that may be installed, in hexadecimal.
	hashes []string
	// marker is nil if the requirement applies everywhere. condition is its text.
	marker    marker
	condition string
	// refusal is why the requirement cannot be met. It is reported only on systems for
	// which the marker holds.
	refusal error
	// extras are the normalized names of the extras behind the name.
	extras []string
	// files are the files that the lock allows, if it names them.
	files []lockedFile
	at    source.Position
}

func (r requirement) String() string { return r.name + "==" + r.version }

const howToLock = "make the lock with `uv pip compile --universal --python-version VERSION --generate-hashes FILE -o requirements.lock.txt`, where VERSION is that of the base's Python, or with `pip-compile --generate-hashes`"

const notLocked = "publish it as a wheel to an index, or add its directory to the image's files"

var (
	requirementName = lazyregexp.New(`^[A-Za-z0-9](?:[-._A-Za-z0-9]*[A-Za-z0-9])?`)
	extrasList      = lazyregexp.New(`^\[[ \tA-Za-z0-9._,-]*\]`)
	pin             = lazyregexp.New(`^\(?[ \t]*(===?)[ \t]*([^ \t(),;=<>!~]+)[ \t]*\)?$`)
	sha256Text      = lazyregexp.New(`^[0-9a-f]{64}$`)
	urlStart        = lazyregexp.New(`^[A-Za-z][A-Za-z0-9+.]*://|^(?:git|hg|svn|bzr)\+|^file:`)
)

// parseRequirement parses a line such as
//
//	numpy[extra]==2.1.0 ; python_version < "3.13" --hash=sha256:...
func parseRequirement(l line) (requirement, error) {
	refuse := func(offset int, hint, format string, args ...any) (requirement, error) {
		err := source.Errorf(l.position(offset), format, args...)
		err.Hint = hint
		return requirement{}, err
	}
	specifier, options := l.text, len(l.text)
	for _, w := range l.words(0) {
		if strings.HasPrefix(w.text, "-") {
			specifier, options = l.text[:w.offset], w.offset
			break
		}
	}
	if urlStart.MatchString(specifier) || strings.HasPrefix(specifier, ".") || strings.HasPrefix(specifier, "/") {
		r, err := refuse(0, notLocked, "a path or URL cannot be locked by version and hash")
		return r.conditional(l, specifier, err)
	}
	name := requirementName.FindString(specifier)
	if name == "" {
		return refuse(0, howToLock, "the name of a package is missing")
	}
	at := len(name)
	var extras []string
	skip := func() {
		at += len(specifier[at:]) - len(strings.TrimLeft(specifier[at:], " \t"))
	}
	skip()
	if strings.HasPrefix(specifier[at:], "[") {
		list := extrasList.FindString(specifier[at:])
		if list == "" {
			return refuse(at, howToLock, "the extras of %s are not valid", name)
		}
		at, extras = at+len(list), extraNames(list)
		skip()
	}
	if strings.HasPrefix(specifier[at:], "@") {
		r, err := refuse(at, notLocked, "%s is taken from a path or URL, which cannot be locked by version and hash", name)
		return r.conditional(l, specifier, err)
	}
	constraint, condition, conditional := strings.Cut(specifier[at:], ";")
	m := pin.FindStringSubmatch(strings.TrimSpace(constraint))
	if m == nil || strings.HasSuffix(m[2], ".*") {
		return refuse(at, howToLock, "%s is not pinned to one version by ==", name)
	}
	if _, ok := parseVersion(m[2]); !ok {
		return refuse(at, howToLock, "%q is not a valid version of %s", m[2], name)
	}
	r := requirement{name: normalName(name), version: m[2], extras: extras, at: l.position(0)}
	if conditional {
		offset := at + len(constraint) + 1
		r.condition = strings.TrimSpace(condition)
		var err error
		if r.marker, err = parseMarker(condition); err != nil {
			if wrong := (*markerError)(nil); errors.As(err, &wrong) {
				offset += wrong.offset
			}
			return refuse(offset, "", "the marker of %s is not valid: %s", name, err)
		}
	}
	return r, r.readOptions(l, options)
}

// readOptions parses the hashes of a requirement, the only options that it may have.
func (r *requirement) readOptions(l line, from int) error {
	words := l.words(from)
	for n := 0; n < len(words); n++ {
		w := words[n]
		option, value, assigned := strings.Cut(w.text, "=")
		if option != "--hash" {
			err := source.Errorf(l.position(w.offset), "a locked requirement does not support the option %s", option)
			err.Hint = "wheels are installed as they are: nothing is built"
			return err
		}
		if !assigned {
			if n++; n == len(words) {
				return source.Errorf(l.position(w.offset), "--hash has no value")
			}
			value, w = words[n].text, words[n]
		}
		algorithm, digest, _ := strings.Cut(value, ":")
		if !slices.Contains([]string{"sha256", "sha384", "sha512"}, algorithm) {
			return source.Errorf(l.position(w.offset), "%q is not a hash of the form sha256:...", value)
		}
		if algorithm != "sha256" {
			continue
		}
		if !sha256Text.MatchString(strings.ToLower(digest)) {
			return source.Errorf(l.position(w.offset), "%q is not a SHA-256 hash, which has 64 hexadecimal digits", digest)
		}
		r.hashes = append(r.hashes, strings.ToLower(digest))
	}
	if len(r.hashes) > 0 {
		return nil
	}
	refusal := &source.Error{Position: r.at, Message: r.String() + " has no hash of the form --hash=sha256:...", Hint: howToLock}
	if r.marker != nil {
		r.refusal = refusal
		return nil
	}
	return refusal
}

// conditional returns a refused requirement with its marker, so that it is refused only on
// systems for which the marker holds. Without a marker it returns the refusal.
func (r requirement) conditional(l line, specifier string, refusal error) (requirement, error) {
	named, condition, ok := strings.Cut(specifier, " ;") // a URL may contain a semicolon
	if !ok {
		return r, refusal
	}
	holds, err := parseMarker(condition)
	if err != nil {
		return r, refusal
	}
	return requirement{name: strings.TrimSpace(named), marker: holds, condition: strings.TrimSpace(condition), refusal: refusal, at: l.position(0)}, nil
}
