package wheel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A lock that was made on another platform, without dependencies or edited by hand lacks what pip check finds.
func TestUnmet(t *testing.T) {
	t.Parallel()
	made := func(name, version string, extras []string, requires ...string) *archive {
		text := "Name: " + name + "\nVersion: " + version + "\n"
		for _, one := range requires {
			text += "Requires-Dist: " + one + "\n"
		}
		return &archive{wheel: wheel{requirement: requirement{name: name, version: version, extras: extras}}, metadata: parseMetadata(text)}
	}
	target, _ := newTarget("3.11", "linux/amd64", defaultLibc())
	got := target.unmet([]*archive{
		made("pandas", "2.2.3", nil, `numpy>=1.23.2; python_version == "3.11"`, `numpy>=1.26; python_version >= "3.12"`, "python-dateutil (>=2.8.2)", `pytest>=7; extra == "test"`, `colorama; sys_platform == 'win32'`),
		made("numpy", "1.21.0", nil),
		made("python-dateutil", "2.9.0.post0", nil, "Six (>=1.5)", "six (>=1.5)"),
		made("sqlalchemy", "2.0.43", []string{"asyncio"}, `greenlet>=1; platform_machine == "aarch64"`, `greenlet>=1; extra == "asyncio"`, "typing.extensions>=4.6"),
		made("typing-extensions", "4.12.0rc1", nil),
		made("api", "1", nil, "uvicorn[standard]>=0.12,<1", "local @ https://x.example/local-9.zip", "broken>=1; not a marker", "api[all]", `everything; extra == "all"`),
		made("uvicorn", "0.30.1", nil, `Uvloop!=0.15.0,>=0.14.0; (sys_platform != "win32") and extra == "standard"`, `watchfiles>=0.13; extra == "dev"`),
		made("local", "1", nil),
	})
	var said []string
	for _, u := range got {
		said = append(said, u.String())
	}
	want := []string{
		"api requires everything", "pandas requires numpy>=1.23.2, and 1.21.0 is there", "python-dateutil requires six>=1.5",
		"sqlalchemy requires greenlet>=1", "uvicorn requires uvloop!=0.15.0,>=0.14.0",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// Requirements are checked, with the extras that the lock names.
func TestUnmetOfLocks(t *testing.T) {
	t.Parallel()
	a := recipe{name: "a", version: "1", metadata: "Metadata-Version: 2.1\nName: a\nVersion: 1\nRequires-Dist: b>=2\nRequires-Dist: c; extra == 'x'\n"}
	s := shelf(t, a, recipe{name: "b", version: "1"})
	lock, err := os.ReadFile(filepath.Join(s.Dir, s.Lock))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a==1": "[a requires b>=2, and 1 is there]", "a[X]==1": "[a requires b>=2, and 1 is there a requires c]"} {
		write(t, s.Dir, s.Lock, strings.Replace(string(lock), "a==1", name, 1))
		env, err := Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(env.Unmet); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
