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

// What slipway keeps of files and layers is found again on this machine; what is
// damaged, or has a checksum that anybody can make, is not.
func TestKeptStateIsBelieved(t *testing.T) {
	t.Parallel()
	dir := files{"a.py": "1"}.write(t)
	s := filesSpec(dir, "a.py")
	stamped := func(want bool) {
		t.Helper()
		info, err := os.Lstat(filepath.Join(dir, "a.py"))
		must(t, err)
		if _, ok := openStamps(s).holds("a.py", info); ok != want {
			t.Errorf("the file's content is known: %t", ok)
		}
	}
	info, err := os.Lstat(filepath.Join(dir, "a.py"))
	must(t, err)
	made := openStamps(s)
	made.now = time.Now().Add(time.Hour) // the file is not young
	made.note("a.py", info, sha256.Sum256([]byte("1")), false)
	must(t, made.save())
	stamped(true)

	layer := facts{registry.DigestOf([]byte("a")), registry.DigestOf([]byte("b")), 3}
	ledger := openLedger(dir)
	ledger.add("fingerprint", layer)
	must(t, ledger.save())
	if f, ok := openLedger(dir).known("fingerprint"); !ok || f != layer {
		t.Errorf("the ledger knows %+v, %t", f, ok)
	}

	text, err := readChecked(made.path)
	must(t, err)
	must(t, os.WriteFile(made.path, fmt.Appendf(nil, "%x\n%s", sha256.Sum256(text), text), 0o644))
	stamped(false)
	damage(t, ledger.path)
	if f, ok := openLedger(dir).known("fingerprint"); ok {
		t.Errorf("a damaged ledger knows %+v", f)
	}
}

// Who has no directory for a secret of this machine pushes all the same, and what a
// push would have found in the state is not needed.
func TestPushWithoutASecret(t *testing.T) {
	r := memory(t)
	s := filesSpec(files{"a.py": "1"}.write(t), "a.py")
	nowhere := filepath.Join(s.Dir, "a.py") // a file
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
