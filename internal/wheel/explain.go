package wheel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/source"
)

// The messages of pip, in all versions from 20 to 26. pip has no other way to distinguish
// one failure from another.
var (
	notFoundText = lazyregexp.New(`Could not find a version that satisfies the requirement (\S+?)===?(\S+)(?: \(from [^()]*\))* \(from versions: ([^)]*)\)`)
	mismatchText = lazyregexp.New(`(?m)^ +([-\w.]+)(?:\[[^\]]*\])?===?(\S+) from (\S+)`)
	gotText      = lazyregexp.New(`(?m)^ +Got +([0-9a-f]{64})`)
	fileText     = lazyregexp.New(`https?://\S+|file://\S+`)
	brokenText   = lazyregexp.New(`after connection broken by '?(\w+)\(|(Max retries exceeded|Read timed out|Connection timed out|Network is unreachable|Temporary failure in name resolution|SSLError|ConnectTimeoutError|ReadTimeoutError|ProtocolError|IncompleteRead)`)
	deniedText   = lazyregexp.New(`\b(401|403|407) (?:Client )?Error|User for \S+:|" (401|403|407) `)
	hostText     = lazyregexp.New(`ConnectionPool\(host='([^']+)'`)
	brokenIndex  = lazyregexp.New(`\b(5\d\d) Server Error`)
	pythonText   = lazyregexp.New(`(?:requires a different Python|requires-python)[^']*'?([<>=!~][^')]*)`)
)

const newLock = "lock again, and check that the index is the one that the lock was made with"

// hashNotInLock returns the error for a file whose hash is not in the lock.
func hashNotInLock(r requirement, file, sum string) error {
	return &source.Error{Position: r.at, Message: fmt.Sprintf("hash mismatch: the index has %s for %s with the SHA-256 %s, which is not in the lock", file, r, sum),
		Hint: "if a file was added to the index, lock again; otherwise do not trust the index"}
}

// explain turns pip's output into one error. pip is another process, and its exit code
// does not say what failed: only its output does.
func (d *download) explain(ctx context.Context, part []requirement, dir, output string, cause error) error {
	if strings.Contains(output, "DO NOT MATCH THE HASHES") {
		if m := mismatchText.FindStringSubmatch(output); m != nil {
			if r, ok := named(part, m[1]); ok {
				sum := "?"
				if got := gotText.FindStringSubmatch(output); got != nil {
					sum = got[1]
				}
				return hashNotInLock(r, fileName(m[3]), sum)
			}
		}
	}
	if m := notFoundText.FindStringSubmatch(output); m != nil {
		if r, ok := named(part, m[1]); ok {
			return d.explainMissing(ctx, r, dir, m[3])
		}
	}
	if r, reason, hint, ok := refusedBy(part, output); ok {
		return &IndexError{r.at, r.String(), reason, hint}
	}
	return failed("pip download failed", output, cause)
}

// explainMissing runs pip again for one package, with a log of the files that pip skips.
func (d *download) explainMissing(ctx context.Context, r requirement, dir, versions string) error {
	file := filepath.Join(dir, "again.txt")
	if err := d.write(file, []requirement{r}); err != nil {
		return fmt.Errorf("write the list of packages for pip: %w", err)
	}
	args := append(d.args(file, filepath.Join(dir, "again")), "-vv", "--retries=1")
	stdout, stderr, err := d.pip.run(ctx, args...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil { // it was available after all
		return &IndexError{r.at, r.String(), "the index did not have it at first, but had it later", "run it again"}
	}
	err = noWheelReason(d.target, r, stdout+"\n"+stderr, versions)
	if wrong := (*source.Error)(nil); errors.As(err, &wrong) {
		return &noWheelError{wrong, r}
	}
	return err
}

// noWheelError is a requirement for which no index has a wheel.
type noWheelError struct {
	wrong       *source.Error
	requirement requirement
}

func (e *noWheelError) Error() string { return e.wrong.Error() }

func (e *noWheelError) Unwrap() error { return e.wrong }

// explainAllMissing returns errors for all requirements that have no wheel, including the
// first. pip stops at the first one, so it is run again without those that are known. It
// downloads nothing.
func (d *download) explainAllMissing(ctx context.Context, all []requirement, first *noWheelError) error {
	wrong := []error{first}
	known := []requirement{first.requirement}
	dir, err := os.MkdirTemp(filepath.Join(d.store.dir, "partial"), "")
	if err != nil {
		return first
	}
	defer func() { _ = os.RemoveAll(dir) }()
	const most = 50
	for len(wrong) < most {
		rest := slices.DeleteFunc(slices.Clone(all), func(r requirement) bool {
			return slices.ContainsFunc(known, func(k requirement) bool { return k.name == r.name })
		})
		file := filepath.Join(dir, "others.txt")
		if len(rest) == 0 || d.write(file, rest) != nil {
			break
		}
		args := append([]string{"install", "--dry-run", "--ignore-installed", "--target=" + filepath.Join(dir, "none")}, d.choice(file)...)
		stdout, stderr, err := d.pip.run(ctx, args...)
		m := notFoundText.FindStringSubmatch(stdout + "\n" + stderr)
		if err == nil || m == nil {
			break
		}
		r, ok := named(rest, m[1])
		if !ok {
			break
		}
		known = append(known, r)
		wrong = append(wrong, d.explainMissing(ctx, r, dir, m[3]))
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(wrong...)
}

// noWheelReason returns why a requirement has no wheel, from the output of pip -vv.
func noWheelReason(t target, r requirement, output, versions string) error {
	var wheels, sources []string
	python := ""
	for line := range strings.Lines(output) {
		link := fileText.FindString(line)
		if link == "" || !strings.Contains(line, "Skipping link") && !strings.Contains(line, "requires a different Python") {
			continue
		}
		file := fileName(link)
		if n, ok := parseFilename(file); ok {
			if n.name == r.name && sameVersion(n.version, r.version) {
				wheels = append(wheels, file)
				if m := pythonText.FindStringSubmatch(line); m != nil && strings.Contains(line, "different Python") {
					python = strings.TrimSpace(m[1])
				}
			}
		} else if isSource(file, r) {
			sources = append(sources, file)
		}
	}
	refuse := func(hint, format string, a ...any) error {
		return &source.Error{Position: r.at, Message: fmt.Sprintf(format, a...), Hint: hint}
	}
	switch {
	case python != "":
		return refuse("use another version of Python, or lock for this one", "%s requires Python %s, but the image has %s", r, python, t.requestedPython)
	case len(wheels) > 0:
		return refuse(t.forOthers(wheels), "%s has no wheel for %s; it has %s", r, t, abbreviate(wheels))
	case len(sources) > 0:
		return refuse(onlySource, "%s has no wheel for %s, only the source distribution %s", r, t, sources[0])
	}
	if _, reason, hint, ok := refusedBy([]requirement{r}, output); ok {
		return &IndexError{r.at, r.String(), reason, hint}
	}
	if versions == "" || versions == "none" {
		return refuse("check the name, and set PIP_EXTRA_INDEX_URL for a private index", "no index has a wheel of %s", r)
	}
	list := strings.Split(versions, ", ")
	slices.Reverse(list)
	return refuse(newLock, "the index has no %s; it has %s", r, abbreviate(list))
}

// refusedBy returns what an index or the network did, and for which requirement. ok is
// false if pip's output shows no such failure. Its exit code does not say it.
func refusedBy(part []requirement, output string) (r requirement, reason, hint string, ok bool) {
	r = part[0]
	for _, candidate := range part {
		if strings.Contains(output, "/"+candidate.name+"/") {
			r = candidate // pip prints the URL of the page that it could not read
		}
	}
	if m := deniedText.FindStringSubmatch(output); m != nil {
		return r, "authentication failed for the index", "set the credentials in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, in .netrc, or in pip's keyring", true
	}
	if m := brokenText.FindStringSubmatch(output); m != nil {
		index := "the index"
		if host := hostText.FindStringSubmatch(output); host != nil {
			index += " " + host[1]
		}
		if strings.Contains(output, "CERTIFICATE_VERIFY_FAILED") {
			return r, index + " has a certificate that is signed by an unknown authority", "set PIP_CERT to the file of the authority's certificate", true
		}
		return r, index + " cannot be reached: " + m[1] + m[2], "check the network, the proxy and PIP_INDEX_URL; cached packages need no network", true
	}
	if m := brokenIndex.FindStringSubmatch(output); m != nil {
		return r, "the index failed with status " + m[1], "run it again later", true
	}
	return r, "", "", false
}

func named(part []requirement, name string) (requirement, bool) {
	for _, r := range part {
		if r.name == normalName(name) {
			return r, true
		}
	}
	return requirement{}, false
}

// fileName returns the last element of a link, without its query and fragment.
func fileName(link string) string {
	link, _, _ = strings.Cut(link, "#")
	link, _, _ = strings.Cut(link, "?")
	name := path.Base(strings.TrimRight(link, "(),"))
	return strings.ReplaceAll(name, "%2B", "+")
}

// isSource reports whether a file is the source distribution of a requirement.
func isSource(file string, r requirement) bool {
	for _, ending := range []string{".tar.gz", ".zip", ".tar.bz2"} {
		stem, ok := strings.CutSuffix(file, ending)
		if cut := strings.LastIndex(stem, "-"); ok && cut > 0 && normalName(stem[:cut]) == r.name && sameVersion(stem[cut+1:], r.version) {
			return true
		}
	}
	return false
}

// abbreviate returns the first four of a list, and the number of the others.
func abbreviate(list []string) string {
	const few = 4
	if len(list) <= few {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:few], ", ") + fmt.Sprintf(" and %d others", len(list)-few)
}

// errNoExport is returned when a program has no command to export a lock.
var errNoExport = errors.New("it has no export")
