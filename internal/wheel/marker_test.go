package wheel

import (
	"errors"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/rootfs"
)

func linux(t testing.TB, python, platform string) target {
	t.Helper()
	target, ok := newTarget(python, platform, rootfs.Libc{})
	if !ok {
		t.Fatalf("Python %s on %s is no target", python, platform)
	}
	return target
}

// markers maps conditions to whether they hold for Python 3.11 on linux/amd64.
func markers() map[string]bool {
	return map[string]bool{
		`python_version < "3.13"`:                              true,
		`python_version<'3.9'`:                                 false,
		`python_version >= "3.9"`:                              true,
		`python_version == "3.11"`:                             true,
		`python_version == "3.11.*"`:                           true,
		`python_version != "3.1.*"`:                            true,
		`python_version ~= "3.7"`:                              true,
		`python_version ~= "3.7.1"`:                            false,
		`python_version in "2.7, 3.11"`:                        true,
		`python_version not in "2.7, 3.1"`:                     true,
		`"3.9" <= python_version`:                              true,
		`"3.9" > python_version`:                               false,
		`python_full_version < "3.11.4"`:                       false,
		`python_full_version <= '3.11.0a6'`:                    false,
		`python_full_version >= '3.11' and python_version<'4'`: true,
		`sys_platform == "linux"`:                              true,
		`sys_platform == "win32" or os_name == "posix"`:        true,
		`sys_platform == "win32" and os_name == "posix"`:       false,
		`"linux" in sys_platform`:                              true,
		`"win" not in sys_platform`:                            true,
		`platform_machine == "x86_64"`:                         true,
		`platform_machine == 'aarch64'`:                        false,
		`platform_machine != "arm64" and (extra == "a" or platform_system == "Linux")`: true,
		`extra == "socks"`:                                                                        false,
		`platform_python_implementation != "PyPy"`:                                                true,
		`implementation_name == 'cpython'`:                                                        true,
		`implementation_version >= "3.11"`:                                                        true,
		`platform_python_implementation == "CPython" or extra == 'x'`:                             true,
		`os_name == "nt" or os_name == "java" and sys_platform == "linux"`:                        false,
		`(((sys_platform == "linux")))`:                                                           true,
		`platform_system == "Linux" and platform_machine == "x86_64" and python_version < "3.15"`: true,
	}
}

func TestMarkers(t *testing.T) {
	env := linux(t, "3.11", "linux/amd64").environment()
	for text, want := range markers() {
		m, err := parseMarker(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := m.holds(env); got != want {
			t.Errorf("%s is %t, want %t", text, got, want)
		}
	}
}

// Only older locks have these variables, and only pylock.toml has the last ones.
func TestMarkersThatPipDoesNotHave(t *testing.T) {
	env := linux(t, "3.12.4", "linux/arm64").environment()
	env["extras"], env["dependency_groups"] = "fast gpu-12", "main"
	for text, want := range map[string]bool{
		`os.name == "posix"`: true, `sys.platform != "linux"`: false, `platform.machine == "aarch64"`: true,
		`python_implementation == "CPython"`: true, `python_full_version == "3.12.4"`: true,
		`"fast" in extras`: true, `"GPU_12" in extras`: true, `"gpu" in extras`: false, `"gpu" not in extras`: true, `"main" in dependency_groups`: true,
	} {
		m, err := parseMarker(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := m.holds(env); got != want {
			t.Errorf("%s is %t, want %t", text, got, want)
		}
	}
}

func TestInvalidMarkers(t *testing.T) {
	for text, want := range map[string]struct {
		offset  int
		message string
	}{
		``:                                   {0, "unexpected end of the marker"},
		`python_version`:                     {14, "a comparison such as == is missing"},
		`python_version < `:                  {17, "unexpected end of the marker"},
		`python_version = "3"`:               {15, "a comparison such as == is missing"},
		`python_version < "3`:                {17, `the string has no closing "`},
		`python < "3"`:                       {0, `unknown marker variable "python"`},
		`"a" == "b"`:                         {10, "it compares two strings"},
		`(os_name == "posix"`:                {19, "a closing parenthesis is missing"},
		`os_name == "posix")`:                {18, `")" is not expected here`},
		`os_name not "posix"`:                {12, `"in" is missing after "not"`},
		`os_name == "posix" and`:             {22, "unexpected end of the marker"},
		`os_name == "posix" xor extra == ""`: {19, `"xor" is not expected here`},
		`extras == "a"`:                      {13, `a set can only be compared by "in" or "not in"`},
		`os_name == é`:                       {11, `unknown marker variable "é"`},
		strings.Repeat("(", 101):             {100, "there are more than 100 nested parentheses"},
	} {
		_, err := parseMarker(text)
		var wrong *markerError
		if !errors.As(err, &wrong) || wrong.offset != want.offset || wrong.message != want.message {
			t.Errorf("%s: %+v, want %+v", text, err, want)
		}
	}
}

func FuzzMarker(f *testing.F) {
	for text := range markers() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target := linux(t, "3.12", "linux/amd64")
		m, err := parseMarker(text)
		if wrong := (*markerError)(nil); errors.As(err, &wrong) {
			if wrong.offset < 0 || wrong.offset > len(text) {
				t.Errorf("%q is wrong at %d", text, wrong.offset)
			}
			return
		}
		once := m.holds(target.environment())
		again, err := parseMarker("(" + text + ") and (" + text + ")")
		if err != nil {
			if strings.Contains(err.Error(), "parentheses") {
				return
			}
			t.Fatalf("%q in parentheses: %v", text, err)
		}
		if again.holds(target.environment()) != once {
			t.Errorf("%q is not what it is twice", text)
		}
	})
}
