package survey

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

// preferred are the versions of Python 3 by how likely packages have wheels for them.
var preferred = []int{12, 11, 13, 10, 14, 9, 8}

var specifier = lazyregexp.New(`^\s*(>=|<=|==|!=|~=|>|<|\^|~|=)?\s*v?3\.(\d{1,2})(?:\.(\d+|\*))*\s*$`)

// Satisfying returns a version of Python, such as 3.12, that a constraint such as >=3.9,<4
// allows. It returns "" if the constraint says nothing about Python 3.
func Satisfying(constraint string) string {
	for _, minor := range preferred {
		if allows(constraint, minor) {
			return fmt.Sprintf("3.%d", minor)
		}
	}
	return ""
}

func allows(constraint string, minor int) bool {
	known := false
	for part := range strings.SplitSeq(strings.NewReplacer("||", ",", " ", "").Replace(constraint), ",") {
		found := specifier.FindStringSubmatch(part)
		if found == nil {
			continue
		}
		known = true
		n, err := strconv.Atoi(found[2])
		patch := found[3] != "" && found[3] != "*" && found[3] != "0"
		ok := err == nil
		switch found[1] {
		case "", "=", "==":
			ok = ok && minor == n
		case "~", "~=":
			ok = ok && (minor == n || minor > n && found[1] == "~=" && found[3] == "")
		case "^", ">=":
			ok = ok && minor >= n
		case ">":
			ok = ok && (minor > n || minor == n && patch)
		case "<=":
			ok = ok && minor <= n
		case "<":
			ok = ok && (minor < n || minor == n && patch)
		case "!=":
			ok = ok && (minor != n || patch)
		}
		if !ok {
			return false
		}
	}
	return known
}
