package debian

import (
	"os/exec"
	"testing"
)

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0}, {"1.0", "1.0-0", 0}, {"0:1.0", "1.0", 0}, {"1.00", "1.0", 0}, {"1.0-1", "1.0-1.1", -1},
		{"1.0~rc1", "1.0", -1}, {"1.0~~", "1.0~", -1}, {"1.0", "1.0a", -1}, {"1.0a", "1.0+", -1}, {"1.9", "1.10", -1},
		{"2:1", "10", 1}, {"1.6.0-1", "1.6.0-1+b1", -1}, {"7:5.1.9-0+deb12u1", "7:5.1.9-0+deb12u2", -1}, {"1.0-1~bpo1", "1.0-1", -1},
		{"1-2-3", "1-2-4", -1}, {"1.0.", "1.0", 1}, {"99999999999999999999", "100000000000000000000", -1},
	} {
		if got := CompareVersions(c.a, c.b); got != c.want {
			t.Errorf("%s and %s: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := CompareVersions(c.b, c.a); got != -c.want {
			t.Errorf("%s and %s: %d, want %d", c.b, c.a, got, -c.want)
		}
	}
}

// FuzzCompareVersions compares with dpkg itself, where it is installed.
func FuzzCompareVersions(f *testing.F) {
	dpkg, _ := exec.LookPath("dpkg")
	for _, pair := range [][2]string{{"1.0-1", "1.0-1+b1"}, {"1:2", "1.5~rc1"}, {"1.a", "1.-1"}, {"1.01", "1.1"}} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		order := CompareVersions(a, b)
		if back := CompareVersions(b, a); back != -order {
			t.Errorf("%q and %q are %d, and %d the other way", a, b, order, back)
		}
		if dpkg == "" || !realVersion.MatchString(a) || !realVersion.MatchString(b) {
			return
		}
		for operator, want := range map[string]bool{"lt": order < 0, "eq": order == 0, "gt": order > 0} {
			err := exec.Command(dpkg, "--compare-versions", a, operator, b).Run()
			if (err == nil) != want {
				t.Errorf("%q %s %q is %t for dpkg", a, operator, b, err == nil)
			}
		}
	})
}
