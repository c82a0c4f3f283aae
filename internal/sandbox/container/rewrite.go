package container

import (
	"cmp"
	"slices"
	"strings"
)

// rewriter replaces a container's paths by the machine's in arguments and in values of
// environment variables. It serves programs that do not have the image as their root.
type rewriter []rewrite

type rewrite struct{ from, to string }

// newRewriter returns a rewriter that prefers the longest match, and the first of two
// rules for the same path.
func newRewriter(rules []rewrite) rewriter {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b rewrite) int { return cmp.Compare(len(b.from), len(a.from)) })
	return sorted
}

const (
	beforePath = "=:, \t\n'\"[{("
	afterPath  = "/:;, \t\n'\"]})"
)

// text rewrites the paths in s. A path begins at the start of s or after one of = : , a
// space, a quote or an opening bracket. A rule matches a whole path or a prefix that ends
// at a slash. So the path of a URL is left alone.
func (r rewriter) text(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if w, ok := r.at(s, i); ok {
			b.WriteString(w.to)
			i += len(w.from)
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func (r rewriter) at(s string, i int) (rewrite, bool) {
	if s[i] != '/' || i > 0 && !strings.ContainsRune(beforePath, rune(s[i-1])) {
		return rewrite{}, false
	}
	for _, w := range r {
		rest, ok := strings.CutPrefix(s[i:], w.from)
		if ok && (rest == "" || strings.ContainsRune(afterPath, rune(rest[0]))) {
			return w, true
		}
	}
	return rewrite{}, false
}

// pairs rewrites the values of NAME=VALUE pairs.
func (r rewriter) pairs(env []string) []string {
	out := make([]string, len(env))
	for i, pair := range env {
		name, v, _ := strings.Cut(pair, "=")
		out[i] = name + "=" + r.text(v)
	}
	return out
}
