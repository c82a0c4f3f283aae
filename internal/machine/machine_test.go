package machine_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/machine"
)

// elsewhere points the directories of this user to a temporary directory of the test, and
// returns it.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "APPDATA", "LOCALAPPDATA", "HOME", "TMPDIR", "TMP"} {
		t.Setenv(name, filepath.Join(dir, name))
	}
	if err := os.MkdirAll(filepath.Join(dir, "TMPDIR"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMACsBelongToTheMachine(t *testing.T) {
	elsewhere(t)
	var group sync.WaitGroup
	codes := make([]string, 8)
	for i := range codes {
		group.Go(func() {
			var err error
			if codes[i], err = machine.MAC("a", []byte("text")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, code := range codes {
		if ok, err := machine.VerifyMAC(code, "a", []byte("text")); err != nil || !ok {
			t.Errorf("%s proves nothing (%v)", code, err)
		}
	}
	for name, c := range map[string][2]string{"another text": {"a", "texts"}, "another subject": {"b", "text"}, "moved": {"at", "ext"}} {
		if ok, err := machine.VerifyMAC(codes[0], c[0], []byte(c[1])); err != nil || ok {
			t.Errorf("%s is proved (%v)", name, err)
		}
	}
	elsewhere(t)
	if ok, err := machine.VerifyMAC(codes[0], "a", []byte("text")); err != nil || ok {
		t.Errorf("another machine proves it (%v)", err)
	}
}

// TestWithoutAHome uses an account whose home directory cannot be created.
func TestWithoutAHome(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("each account has a profile")
	}
	dir := elsewhere(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"} {
		t.Setenv(name, file)
	}
	code, err := machine.MAC("a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := machine.VerifyMAC(code, "a", nil); err != nil || !ok {
		t.Error(ok, err)
	}
	if dir, err := machine.Cache(".", "mage"); err != nil || dir == "" {
		t.Error(dir, err)
	}
	for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME"} {
		if err := os.Unsetenv(name); err != nil { // t.Setenv restores it
			t.Fatal(err)
		}
	}
	if ok, err := machine.VerifyMAC(code, "a", nil); err != nil || !ok {
		t.Error("without HOME:", ok, err)
	}
	t.Setenv("TMPDIR", file)
	if _, err := machine.MAC("a", nil); !errors.As(err, new(*machine.NoHomeError)) {
		t.Errorf("without a temporary directory: %v", err)
	}
}

func TestCheckOwner(t *testing.T) {
	dir := t.TempDir()
	own, link, file := filepath.Join(dir, "own"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	for _, err := range []error{os.Mkdir(own, 0o755), os.Symlink(own, link), os.WriteFile(file, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{own, filepath.Join(dir, "nothing")} {
		if err := machine.CheckOwner(path); err != nil {
			t.Error(err)
		}
	}
	refused := []string{link, file}
	if os.Geteuid() == 0 {
		theirs := filepath.Join(dir, "theirs")
		if err := errors.Join(os.Mkdir(theirs, 0o755), os.Chown(theirs, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		refused = append(refused, theirs)
	}
	for _, path := range refused {
		if err := machine.CheckOwner(path); !errors.As(err, new(*machine.OwnerError)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
