package schema

import (
	"strings"
	"testing"
)

func TestTablesCanBeRead(t *testing.T) {
	tables, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(tables.objects) < 70 || len(tables.unions) < 6 {
		t.Errorf("there are %d objects and %d unions", len(tables.objects), len(tables.unions))
	}
	for name, o := range tables.objects {
		if len(o.Fields) == 0 && !o.Open {
			t.Errorf("%s has no keys", name)
		}
		for _, v := range []Version{{1, 11, 3}, {2, 18, 0}} {
			seen := map[string]int{}
			for _, f := range o.Fields {
				if f.Has(v) {
					seen[f.Key]++
				}
			}
			for key, n := range seen {
				if n > 1 {
					t.Errorf("%s.%s stands %d times for %s", name, key, n, v)
				}
			}
		}
	}
}

func TestMistakesInTables(t *testing.T) {
	for text, want := range map[string]string{
		"    key str":                    "is not in a block",
		"object":                         "has no name",
		"thing x":                        "does not begin a block",
		"object o\n    key":              "has no type",
		"object o\n    key nothing":      "unknown type nothing",
		"object o\n    key k8s.Nothing":  "unknown type k8s.Nothing",
		"object o\n    key str since x":  "is not a valid Polyaxon version",
		"object o\n    key str@x":        "is not a valid Polyaxon version",
		"object o\n    key str sometime": "is unknown",
		"object o : p\nobject p\n":       "is not defined above it",
		"union u\n    kind nothing":      "object nothing not found",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestFind(t *testing.T) {
	tables, err := parse("object o\n    a str\n    b int required before 2.0\n    b str since 2.0\n    c str required since 2.13\n    d str|int@2.0|bool<2.0 required")
	if err != nil {
		t.Fatal(err)
	}
	o := tables.Object("o")
	old, recent := Version{1, 11, 3}, Version{2, 18, 0}
	for key, want := range map[string][3]bool{"a": {true, true, true}, "b": {true, true, true}, "c": {false, true, true}, "x": {}} {
		_, first, known := o.Find(key, old)
		_, second, _ := o.Find(key, recent)
		if have := [3]bool{first, second, known}; have != want {
			t.Errorf("%s: have %v, want %v", key, have, want)
		}
	}
	for version, want := range map[Version]string{old: "b d", recent: "c d", {}: "d"} {
		if have := strings.Join(o.Required(version), " "); have != want {
			t.Errorf("%s wants %q, not %q", version, have, want)
		}
	}
	if f, _, _ := o.Find("b", Version{}); len(f.Type) != 2 {
		t.Errorf("any version takes %v", f.Type)
	}
	if have := strings.Join(o.Keys(Version{2, 0, 0}), " "); have != "a b d" {
		t.Errorf("2.0 has %q", have)
	}
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{"": "", "1.11.3": "1.11.3", "2.18": "2.18.0", "v2.18.0-rc1": "2.18.0", "2": "2.0.0"} {
		if v, err := ParseVersion(text); err != nil || v.String() != want {
			t.Errorf("%q gives %s, %v", text, v, err)
		}
	}
	for _, text := range []string{"x", "0.1", "1.2.3.4", "1..2", "-1", "1.-2", "99999999999.1"} {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("%q gives %s", text, v)
		}
	}
	if !(Version{1, 11, 3}).Before(Version{2, 0, 0}) || (Version{2, 13, 0}).Before(Version{2, 9, 0}) || (Version{2, 0, 1}).Before(Version{2, 0, 1}) {
		t.Error("versions are out of order")
	}
}
