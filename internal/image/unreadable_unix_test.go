//go:build unix

package image

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const nobody = 65534

// asOrdinaryUser runs f without root's rights. Root can read files of any mode, so for root
// it runs the test again in a child process of another user.
func asOrdinaryUser(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("the test's own program cannot be read:", err)
	}
	// Other users cannot read the tree of this process. The child writes its own.
	room, err := os.MkdirTemp(os.TempDir(), "image-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(room) })
	program := filepath.Join(room, "test")
	for _, err := range []error{os.WriteFile(program, self, 0o755), os.Chown(room, nobody, nobody)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	child := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	child.Dir, child.Env = room, []string{"TMPDIR=" + room}
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	output, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("as another user: %v\n%s", err, output)
	}
}

func makePipe(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o644); err != nil {
		t.Skip("no pipes here:", err)
	}
}
