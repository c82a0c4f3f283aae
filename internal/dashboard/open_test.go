package dashboard

import (
	"os/exec"
	"testing"
)

// TestSetHost checks that a shell gives Polyaxon's own command line the host of slipway.yaml,
// whatever it is.
func TestSetHost(t *testing.T) {
	if got := setHost("http://localhost:8117"); got != "polyaxon config set --host=http://localhost:8117" {
		t.Errorf("got %s", got)
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh is not here")
	}
	for _, host := range []string{"https://plx.acme.dev", "http://[::1]:80", "https://a;touch owned", "https://$(id)/'x'", "a b", "`id`", "https://a?b=c&d", "~root", "*"} {
		out, err := exec.CommandContext(t.Context(), shell, "-c", "polyaxon() { printf %s \"$3\"; }; "+setHost(host)).CombinedOutput()
		if err != nil || string(out) != "--host="+host {
			t.Errorf("%s: the shell passes %q (%v)", host, out, err)
		}
	}
}
