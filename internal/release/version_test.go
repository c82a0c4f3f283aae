package release

import "testing"

func TestPythonVersions(t *testing.T) {
	for from, want := range map[string]string{
		"v1.2.3":                               "1.2.3",
		"v1.2.3-rc.1":                          "1.2.3rc1",
		"v1.2.3-rc1":                           "1.2.3rc1",
		"v1.2.3-alpha.2":                       "1.2.3a2",
		"v1.2.3-beta.10":                       "1.2.3b10",
		"v0.0.0-20261127164841-54a0d04aaaaa":   "0.0.0.dev20261127164841+54a0d04aaaaa",
		"v1.2.4-0.20261127164841-54a0d04aaaaa": "1.2.4.dev20261127164841+54a0d04aaaaa",
		"v1.2.3-rc.9.0.20261127164841-54a0d04aaaaa":  "1.2.3rc10.dev20261127164841+54a0d04aaaaa",
		"v1.2.4-0.20261127164841-54a0d04aaaaa+dirty": "1.2.4.dev20261127164841+54a0d04aaaaa.dirty",
		"v1.2.3+dirty":   "1.2.3+dirty",
		"(devel)":        "",
		"v1.2":           "",
		"v1.2.3-preview": "",
		"v1.2.3-rc.1-0.20261127164841-54A0D04AAAAA-more": "",
	} {
		got := ""
		if version, err := parseVersion(from); err == nil {
			got = version.python()
		}
		if got != want {
			t.Errorf("%s: %q instead of %q", from, got, want)
		}
	}
	for from, want := range map[string]bool{"v1.2.3": true, "v1.2.3-rc.1": true, "v1.2.3+dirty": false, "v1.2.4-0.20261127164841-54a0d04aaaaa": false} {
		if version, err := parseVersion(from); err != nil || version.isTag() != want {
			t.Errorf("%s is a tag: %t, %v", from, version.isTag(), err)
		}
	}
}

func TestIncrement(t *testing.T) {
	for from, want := range map[string]string{"1": "2", "9": "10", "199": "200", "0": "1"} {
		if got := increment(from); got != want {
			t.Errorf("%s: %s instead of %s", from, got, want)
		}
	}
}
