package wheel

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// target is the interpreter and the platform that packages are chosen for.
type target struct {
	minor int
	// full is the version with its patch. If the patch is not known, it is newestPatch,
	// because a base image has the newest.
	full string
	// requestedPython is the version as the user wrote it.
	requestedPython, platform string
	machine                   string
	libc                      rootfs.Libc
	pythonOK                  bool
}

// newestPatch is later than any patch of a minor version of Python.
const newestPatch = 99

// oldestMinor and newestMinor are the first and the last minor version of Python for which markers are evaluated
// beside that of the target.
const oldestMinor, newestMinor = 6, 16

// defaultLibc returns the C library that is assumed if the base's is not known: that of Debian
// 12.
func defaultLibc() rootfs.Libc { return rootfs.Libc{Name: rootfs.Glibc, Minor: 36} }

// newTarget returns false if the version or the platform is not supported.
func newTarget(python, platform string, libc rootfs.Libc) (target, bool) {
	t := target{requestedPython: python, platform: platform, libc: libc}
	if libc.Name == "" {
		t.libc = defaultLibc()
	}
	parts := strings.Split(python, ".")
	numbers := make([]int, 0, 3)
	for _, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n > 999 || strconv.Itoa(n) != part {
			return t, false
		}
		numbers = append(numbers, n)
	}
	if len(numbers) == 2 {
		numbers = append(numbers, newestPatch)
	}
	if len(numbers) != 3 || numbers[0] != 3 {
		return t, false
	}
	t.pythonOK, t.minor = true, numbers[1]
	t.full = fmt.Sprintf("3.%d.%d", numbers[1], numbers[2])
	switch platform {
	case "linux/amd64":
		t.machine = "x86_64"
	case "linux/arm64":
		t.machine = "aarch64"
	default:
		return t, false
	}
	return t, true
}

// python returns the version without its patch.
func (t target) python() string { return fmt.Sprintf("3.%d", t.minor) }

// abi returns the ABI tag of this version of CPython.
func (t target) abi() string { return fmt.Sprintf("cp3%d", t.minor) }

// String returns a description of the target for errors.
func (t target) String() string {
	if t.libc != defaultLibc() {
		return fmt.Sprintf("Python %s on %s with %s", t.requestedPython, t.platform, t.libc)
	}
	return fmt.Sprintf("Python %s on %s", t.requestedPython, t.platform)
}

// environment returns the values of the marker variables, as CPython would report them in
// the image. The kernel's release and version are empty, because they are not known before
// the image runs.
func (t target) environment() map[string]string {
	return map[string]string{
		"python_version": t.python(), "python_full_version": t.full, "implementation_version": t.full,
		"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": t.machine,
		"platform_python_implementation": "CPython", "implementation_name": "cpython",
		"platform_release": "", "platform_version": "", "extra": "", "extras": "", "dependency_groups": "",
	}
}

// platforms returns the platform tags that the target accepts, best first. They are those
// of the platform compatibility tags standard for its C library.
func (t target) platforms() []string {
	if t.libc.Name == rootfs.Musl {
		var tags []string
		for minor := t.libc.Minor; minor >= 1; minor-- { // PEP 656
			tags = append(tags, fmt.Sprintf("musllinux_1_%d_%s", minor, t.machine))
		}
		return append(tags, "linux_"+t.machine)
	}
	oldest, legacy := 17, map[int]string{17: "manylinux2014"}
	if t.machine == "x86_64" {
		oldest, legacy = 5, map[int]string{17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
	}
	var tags []string
	for minor := t.libc.Minor; minor >= oldest; minor-- {
		tags = append(tags, fmt.Sprintf("manylinux_2_%d_%s", minor, t.machine))
		if old := legacy[minor]; old != "" {
			tags = append(tags, old+"_"+t.machine)
		}
	}
	return append(tags, "linux_"+t.machine)
}

// accepts reports whether a wheel with these tags works on the target.
func (t target) accepts(n filename) bool {
	return slices.ContainsFunc(n.pythons, func(python string) bool {
		return slices.ContainsFunc(n.abis, func(abi string) bool {
			return slices.ContainsFunc(n.platforms, func(platform string) bool { return t.acceptsTag(python, abi, platform) })
		})
	})
}

func (t target) acceptsTag(python, abi, platform string) bool {
	if platform != "any" && !slices.Contains(t.platforms(), platform) {
		return false
	}
	major, minor, ok := strings.Cut(strings.TrimLeft(python, "pyc"), "3")
	if !ok || major != "" || minor != "" && !isDigits(minor) {
		return false
	}
	number, _ := strconv.Atoi(minor)
	switch {
	case strings.HasPrefix(python, "py"):
		return abi == "none" && number <= t.minor
	case !strings.HasPrefix(python, "cp"):
		return false
	case abi == "abi3":
		return minor != "" && number <= t.minor
	}
	return (abi == "none" || abi == t.abi()) && (minor == "" || number == t.minor)
}

// forOthers says what to do when none of the wheels works on the target. Wheels for its platform and another
// Python mean that the lock was made for another Python.
func (t target) forOthers(wheels []string) string {
	for minor := oldestMinor; minor <= newestMinor; minor++ {
		other := t
		other.minor = minor
		if slices.ContainsFunc(wheels, func(wheel string) bool {
			n, ok := parseFilename(wheel)
			return ok && other.accepts(n)
		}) {
			return fmt.Sprintf("the lock is for another Python: lock again with --python-version %s, or use a base with that Python", t.python())
		}
	}
	return "choose a version that has one, or another platform or Python"
}

// rank returns the order of a wheel in pip's preference; the lowest is the best. The order
// of the tags is that of the platform compatibility tags standard and of pip.
func (t target) rank(file string) int {
	n, _ := parseFilename(file)
	best := worst
	platforms := t.platforms()
	for _, python := range n.pythons {
		for _, abi := range n.abis {
			for _, platform := range n.platforms {
				if t.acceptsTag(python, abi, platform) {
					best = min(best, t.tier(python, abi, platform)*len(platforms)+max(slices.Index(platforms, platform), 0))
				}
			}
		}
	}
	return best
}

const (
	// generic is the first tier of wheels for any interpreter on one platform, and anywhere
	// that of wheels for any platform.
	generic, anywhere = 1000, 10000
	worst             = math.MaxInt32
)

// tier returns the order of an interpreter and an ABI tag. Within a tier, rank orders by
// platform.
func (t target) tier(python, abi, platform string) int {
	minor, err := strconv.Atoi(strings.TrimPrefix(strings.TrimLeft(python, "pyc"), "3"))
	older := t.minor - minor
	interpreter := strings.HasPrefix(python, "cp")
	if !interpreter {
		switch { // for example py312, py3, py311
		case err != nil:
			older = 1
		case older > 0:
			older++
		}
	}
	switch {
	case platform == "any" && interpreter:
		return anywhere
	case platform == "any":
		return anywhere + 1 + older
	case !interpreter:
		return generic + older
	case abi == t.abi():
		return 0
	case abi == "abi3" && older == 0:
		return 1
	case abi == "abi3":
		return 2 + older
	}
	return 2
}

// choose returns the requirements that apply to the target, sorted by name. It returns an error if
// none of them does and some would with another version of Python.
func (t target) choose(list []requirement) ([]requirement, error) {
	env := t.environment()
	chosen := map[string]requirement{}
	for _, r := range list {
		if r.marker != nil && !r.marker.holds(env) {
			continue
		}
		if r.refusal != nil {
			return nil, r.refusal
		}
		if len(r.hashes) == 0 {
			return nil, &source.Error{Position: r.at, Message: r.String() + " has no wheel with a SHA-256 in the lock", Hint: onlySource}
		}
		before, twice := chosen[r.name]
		if twice && !sameVersion(before.version, r.version) {
			return nil, &source.Error{Position: r.at, Message: fmt.Sprintf("%s is locked to %s here and to %s in %s, both for %s", r.name, r.version, before.version, before.at, t),
				Hint: "lock again: one environment has one version of a package"}
		}
		if twice {
			before.hashes = append(before.hashes, r.hashes...)
			before.files = append(slices.Clone(before.files), r.files...)
			before.extras = append(slices.Clone(before.extras), r.extras...)
			r = before
		}
		slices.Sort(r.hashes)
		r.hashes = slices.Compact(r.hashes)
		chosen[r.name] = r
	}
	needed := make([]requirement, 0, len(chosen))
	for _, r := range chosen {
		needed = append(needed, r)
	}
	if len(needed) == 0 {
		if at, others := t.othersNeed(list); others {
			return nil, &source.Error{Position: at, Message: fmt.Sprintf("the markers exclude every package for %s, so that the image would have none", t),
				Hint: "use a base with the Python of the lock, or lock again for this one"}
		}
	}
	slices.SortFunc(needed, func(a, b requirement) int { return strings.Compare(a.name, b.name) })
	return needed, nil
}

// othersNeed reports whether a requirement applies to another version of Python on the same platform, and where
// the first such requirement is.
func (t target) othersNeed(list []requirement) (at source.Position, need bool) {
	for _, r := range list {
		for minor := oldestMinor; minor <= newestMinor; minor++ {
			other := t
			other.minor, other.full = minor, fmt.Sprintf("3.%d.%d", minor, newestPatch)
			if r.marker != nil && r.marker.holds(other.environment()) {
				return r.at, true
			}
		}
	}
	return at, false
}

// filename is the information in the name of a wheel's file.
type filename struct {
	name, version            string
	pythons, abis, platforms []string
}

// parseFilename parses the name of a wheel's file, as the binary distribution format
// defines it.
func parseFilename(name string) (filename, bool) {
	stem, ok := strings.CutSuffix(name, ".whl")
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 5 && len(parts) != 6 || slices.Contains(parts, "") {
		return filename{}, false
	}
	if len(parts) == 6 && !isDigit(parts[2][0]) { // the third part is a build number
		return filename{}, false
	}
	tags := parts[len(parts)-3:]
	f := filename{normalName(parts[0]), strings.ReplaceAll(parts[1], "_", "-"), strings.Split(tags[0], "."), strings.Split(tags[1], "."), strings.Split(tags[2], ".")}
	if v, ok := parseVersion(f.version); !ok || v.release == nil {
		f.version = parts[1]
	}
	return f, true
}

const onlySource = "name it under python.build-from-source if it is pure Python, put a wheel of it into python.wheels, choose a version that has wheels, or build the image with a Dockerfile"
