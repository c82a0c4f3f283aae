package image

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/registry"
)

// What slipway records of files and layers is used on this machine. Files that are damaged,
// or that have a checksum that anybody could compute, are not.
func TestSavedStampsAreTrusted(t *testing.T) {
	t.Parallel()
	dir := files{"a.py": "1"}.write(t)
	s := filesSpec(dir, "a.py")
	stamped := func(want bool) {
		t.Helper()
		info, err := os.Lstat(filepath.Join(dir, "a.py"))
		must(t, err)
		if _, ok := openStamps(s).lookup("a.py", info); ok != want {
			t.Errorf("the file's content is known: %t", ok)
		}
	}
	info, err := os.Lstat(filepath.Join(dir, "a.py"))
	must(t, err)
	made := openStamps(s)
	made.now = time.Now().Add(time.Hour) // so that the file is old enough
	made.record("a.py", info, sha256.Sum256([]byte("1")), false)
	must(t, made.save())
	stamped(true)

	layer := facts{registry.DigestOf([]byte("a")), registry.DigestOf([]byte("b")), 3}
	ledger := openLedger(dir)
	ledger.add("fingerprint", layer)
	must(t, ledger.save())
	if f, ok := openLedger(dir).lookup("fingerprint"); !ok || f != layer {
		t.Errorf("the ledger knows %+v, %t", f, ok)
	}

	text, err := readSigned(made.path)
	must(t, err)
	must(t, os.WriteFile(made.path, fmt.Appendf(nil, "%x\n%s", sha256.Sum256(text), text), 0o644))
	stamped(false)
	damage(t, ledger.path)
	if f, ok := openLedger(dir).lookup("fingerprint"); ok {
		t.Errorf("a damaged ledger knows %+v", f)
	}
}

// Without a directory for the secret of this machine, a push works without cached state.
func TestPushWithoutASecret(t *testing.T) {
	r := memory(t)
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	nowhere := filepath.Join(s.Dir, "a.py") // a file, not a directory
	for _, name := range []string{"XDG_CONFIG_HOME", "APPDATA", "HOME", "TMPDIR", "TMP"} {
		t.Setenv(name, nowhere)
	}
	for _, found := range []bool{false, true} {
		recipe, err := Prepare(t.Context(), s, r)
		must(t, err)
		if pushed, err := Push(t.Context(), r, recipe, nil, nil); err != nil || pushed.Found != found {
			t.Errorf("%+v %v", pushed, err)
		}
	}
	if _, err := os.Stat(openStamps(s).path); !os.IsNotExist(err) {
		t.Error("there is state that nobody can believe:", err)
	}
}
