package wheel

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/rootfs"
	"github.com/slipway-ci/slipway/internal/source"
)

// AllowsPython reports whether a constraint on versions, of PEP 440 or of Poetry, allows a version of Python, such as
// 3.12, with any patch. What cannot be parsed allows all.
func AllowsPython(constraint, python string) bool {
	t, _ := newTarget(python, "linux/amd64", rootfs.Libc{})
	return !t.pythonOK || t.allowedBy(constraint)
}

// allowedBy reports whether a constraint allows the target's version of Python with any patch.
func (t target) allowedBy(constraint string) bool {
	for patch := range newestPatch + 1 {
		if allows(constraint, fmt.Sprintf("3.%d.%d", t.minor, patch)) {
			return true
		}
	}
	return false
}

// checkPython returns an error if the lock was made for versions of Python that the target is none of.
// Its markers exclude each package then, so that the environment would silently be empty. The patch
// version is left to the packages.
func (s Spec) checkPython(t target, f format) error {
	if f == requirementsFormat || !t.pythonOK {
		return nil
	}
	text, err := s.reader()(s.Lock)
	if err != nil {
		return err
	}
	constraint, at := requiresPython(string(text), f)
	at.File = s.Lock
	if t.allowedBy(constraint) {
		return nil
	}
	return &source.Error{Position: at, Message: fmt.Sprintf("it requires Python %s, and image %s has Python %s", source.Shorten(constraint), s.Name, t.requestedPython),
		Hint: fmt.Sprintf("use a base with such a Python, or have %s allow Python 3.%d, and lock again", path.Join(path.Dir(s.Lock), "pyproject.toml"), t.minor)}
}

// requiresPython returns the versions of Python that a lock is for, as it has them, and where. It
// reads lines, as the whole of a large lock takes long to parse. A lock that does not say so is for
// any version.
func requiresPython(text string, f format) (constraint string, at source.Position) {
	key, table, number := "requires-python", "", 0
	if f == poetryFormat {
		key = "python-versions"
	}
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			if table = line; f != poetryFormat {
				return "", at // tables come after the keys of the lock itself
			}
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found || strings.TrimSpace(name) != key || f == poetryFormat && table != "[metadata]" {
			continue
		}
		return strings.Trim(strings.TrimSpace(value), `"'`), source.Position{Line: number, Column: 1}
	}
	return "", at
}

// allows reports whether a constraint on versions, of PEP 440 or of Poetry, allows a version. What
// cannot be parsed allows all.
func allows(constraint, version string) bool {
	alternatives := strings.FieldsFunc(constraint, func(r rune) bool { return r == '|' }) // Poetry reads | as ||
	return len(alternatives) == 0 || slices.ContainsFunc(alternatives, func(alternative string) bool {
		clauses := strings.FieldsFunc(afterOperator.ReplaceAllString(alternative, "$1"), func(r rune) bool { return r == ',' || r == ' ' })
		return !slices.ContainsFunc(clauses, func(clause string) bool { return !allowsClause(clause, version) })
	})
}

// afterOperator matches an operator and the blanks that may follow it.
var afterOperator = lazyregexp.New(`([<>=!~^]) +`)

// allowsClause is allows for one clause. Poetry adds ^3.11, which is up to 4, ~3.11, which is
// all of 3.11, and a version without an operator
// (python-poetry.org/docs/dependency-specification).
func allowsClause(clause, version string) bool {
	operator, operand := cutSpecifier(clause)
	switch {
	case strings.HasPrefix(clause, "^"):
		lower := strings.TrimSpace(clause[1:])
		return holds(version, ">=", lower) && holds(version, "<", next(lower, 1))
	case operator == "~":
		return holds(version, ">=", operand) && holds(version, "<", next(operand, 2))
	case operator == "" && clause != "*", operator == "=":
		return holds(version, "==", operand)
	}
	return holds(version, operator, operand)
}

func holds(version, operator, operand string) bool {
	holds, ok := satisfies(version, operator, strings.TrimSpace(operand))
	return holds || !ok
}

// next returns the first version after those that have the same first numbers as a version. count is
// how many numbers those are, at most.
func next(version string, count int) string {
	numbers := strings.Split(version, ".")
	numbers = numbers[:min(count, len(numbers))]
	last := len(numbers) - 1
	n, err := strconv.Atoi(numbers[last])
	if err != nil {
		return ""
	}
	numbers[last] = strconv.Itoa(n + 1)
	return strings.Join(numbers, ".")
}
