package wheel

import (
	"slices"
	"testing"
)

// ordered returns versions in ascending order, as in the version specifiers standard.
func ordered() []string {
	return []string{"0.9", "1.0.dev1", "1.0.dev456", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456",
		"1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0+10", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1.10",
		"99999999999999999999999", "100000000000000000000000", "1!0.1"}
}

func TestVersionOrder(t *testing.T) {
	list := ordered()
	for n, a := range list {
		for m, b := range list {
			left, ok := parseVersion(a)
			right, too := parseVersion(b)
			if !ok || !too {
				t.Fatalf("%s or %s is no version", a, b)
			}
			want := 0
			if n != m {
				want = 1 - 2*min(1, max(0, m-n))
			}
			if got := compareVersions(left, right); got != want {
				t.Errorf("%s to %s is %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestSameVersion(t *testing.T) {
	for _, c := range [][2]string{{"1.0", "1"}, {"1.0.0", "1.0"}, {"1.0-1", "1.0.post1"}, {"1.0c1", "1.0rc1"}, {"v1.0", "1.0"}, {"1.0+CPU_1", "1.0+cpu.1"}, {"1.0-alpha-2", "1.0a2"},
		{"1.0.post", "1.0.post0"}, {"01.02", "1.2"}, {"nightly", "Nightly"}} {
		if !sameVersion(c[0], c[1]) {
			t.Errorf("%s is not %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{{"1.0", "1.0.post0"}, {"1.0", "1.0.dev0"}, {"1.0", "1.0+cpu"}, {"1!1.0", "1.0"}} {
		if sameVersion(c[0], c[1]) {
			t.Errorf("%s is %s", c[0], c[1])
		}
	}
}

func TestSatisfies(t *testing.T) {
	for _, c := range []struct {
		candidate, operator, operand string
		holds, ok                    bool
	}{
		{"3.8", "<", "3.8", false, true}, {"3.8rc1", "<", "3.8", false, true}, {"3.8rc1", "<", "3.8rc2", true, true}, {"3.7.9", "<", "3.8", true, true},
		{"1.0.post1", ">", "1.0", false, true}, {"1.0.post1", ">", "1.0.post0", true, true}, {"1.0+local", ">", "1.0", false, true}, {"1.1", ">", "1.0", true, true},
		{"1.0+local", "==", "1.0", true, true}, {"1.0", "==", "1.0+local", false, true}, {"1.0+local", "<=", "1.0", true, true},
		{"1.4.5", "~=", "1.4.2", true, true}, {"1.5", "~=", "1.4.2", false, true}, {"1.5", "~=", "1.4", true, true}, {"1.5", "~=", "1", false, false},
		{"1.4.5", "==", "1.4.*", true, true}, {"1.5", "!=", "1.4.*", true, true}, {"1.4", "==", "1.4.0.*", true, true}, {"1.4", "==", "1.4rc1.*", false, false},
		{"1.0", "===", "1.0", true, true}, {"1.0", "===", "1", false, true}, {"1.0", "==", "banana", false, false}, {"banana", "==", "1.0", false, false}, {"1.0", "<>", "1.0", false, false},
	} {
		holds, ok := satisfies(c.candidate, c.operator, c.operand)
		if ok != c.ok || ok && holds != c.holds {
			t.Errorf("%s %s %s is %t, %t", c.candidate, c.operator, c.operand, holds, ok)
		}
	}
}

func FuzzVersion(f *testing.F) {
	list := ordered()
	for n := range list[1:] {
		f.Add(list[n], list[n+1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		left, ok := parseVersion(a)
		right, too := parseVersion(b)
		if !ok || !too {
			return
		}
		if compareVersions(left, right) != -compareVersions(right, left) {
			t.Errorf("%q and %q are in no order", a, b)
		}
		three := []version{left, right, left}
		slices.SortFunc(three, compareVersions)
		if compareVersions(three[0], three[2]) > 0 {
			t.Errorf("%q and %q cannot be sorted", a, b)
		}
		if holds, ok := satisfies(a, "<=", b); !ok || holds != (comparePublic(left, right) <= 0) {
			t.Errorf("%q <= %q is %t, %t", a, b, holds, ok)
		}
	})
}
