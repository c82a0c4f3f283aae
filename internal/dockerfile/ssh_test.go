package dockerfile

import (
	"crypto/ed25519"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// TestRealSSH has a step ask the user's SSH agent for its keys, in the agent's protocol.
func TestRealSSH(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	dir, err := os.MkdirTemp("", "ssh") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: key, Comment: "the-key-of-the-test"}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keys, connection) }()
		}
	}()
	s := w.spec(map[string]string{"Dockerfile": "FROM BASE\nCOPY keys /bin/keys\nRUN --mount=type=ssh keys > /answer\n"})
	command := exec.Command("go", "build", "-o", filepath.Join(s.Dir, "keys"), "testdata/keys/main.go")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s.SSH, s.Environ = true, []string{"SSH_AUTH_SOCK=" + socket}
	image, _, told := w.build(t, s, "ssh")
	if got := testenv.Contents(t, image)["answer"]; !strings.Contains(got, "the-key-of-the-test") {
		t.Errorf("the agent said %q\n%s", got, told.text())
	}
}
