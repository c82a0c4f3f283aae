package registry

import (
	"strings"
	"testing"
)

func TestTags(t *testing.T) {
	commit := strings.Repeat("0123456789abcdef", 3)[:40]
	for revision, want := range map[string]string{
		commit: "0123456789ab", "v1.2.3": "v1.2.3", "feature/new thing": "feature-new-thing", "": "", "-._-": "_", "ü": "", strings.Repeat("a", 200): strings.Repeat("a", 128),
	} {
		if got := TagFor(revision); got != want || got != "" && !validTag(got) {
			t.Errorf("%q gives %q; want %q", revision, got, want)
		}
	}
	for _, bad := range []string{"", "-a", ".a", "a b", "a/b", "ü", strings.Repeat("a", 129)} {
		if validTag(bad) {
			t.Errorf("%q is no tag", bad)
		}
	}
}
