package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/tasks"
)

// TestStrangeStatus uses a server whose runs have an unknown status. The status contains
// escape sequences of terminals and workflow commands of GitHub. Every command that
// prints the status escapes it, and no command takes it for a success.
func TestStrangeStatus(t *testing.T) {
	t.Parallel()
	const strange, shown = "sublimating\x1b]0;title\x07\n::set-output name=a::b", `sublimating\x1b]0;title\x07`
	uuid := strings.Repeat("0", 31) + "1"
	condition := map[string]any{"type": strange, "reason": "R", "message": "why\n::add-mask::x"}
	one := map[string]any{"uuid": uuid, "name": "train", "kind": "job", "status": strange, "created_at": "2026-11-24T12:00:00Z", "finished_at": "2026-11-24T13:00:00Z",
		"meta_info": map[string]any{"slipway_actor": "x\x1b[2J"}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var answer any = map[string]any{"logs": []any{}}
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/statuses"):
			answer = map[string]any{"status": strange, "status_conditions": []any{condition}}
		case strings.HasSuffix(path, "/runs"):
			answer = map[string]any{"count": 1, "results": []any{one}}
		case strings.HasSuffix(path, "/runs/"+uuid), strings.HasSuffix(path, "/restart"):
			answer = one
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	dir := t.TempDir()
	config := fmt.Sprintf("project: p\nregistry: 127.0.0.1:1/none\ncluster: {kubeconfig: {path: kubeconfig}}\npolyaxon: {host: '%s'}\n", server.URL)
	for name, text := range map[string]string{"slipway.yaml": config, "kubeconfig": fmt.Sprintf(stagedKubeconfig, "http://127.0.0.1:1")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		command []string
		code    int
	}{
		{[]string{"status", "train"}, tasks.ExitOK},
		{[]string{"runs"}, tasks.ExitOK},
		{[]string{"follow", "train"}, tasks.ExitFailed},
		{[]string{"logs", "-f", "train", "--verbose"}, tasks.ExitOK},
		{[]string{"resume", "train"}, tasks.ExitUsage},
		{[]string{"approve", "train"}, tasks.ExitUsage},
		{[]string{"restart", "train"}, tasks.ExitOK},
	} {
		for _, workflow := range []string{"", "true"} {
			command := exec.CommandContext(t.Context(), "slipway", append([]string{"-C", dir}, test.command...)...)
			command.Env = append(os.Environ(), "GITHUB_ACTIONS="+workflow)
			output, _ := command.CombinedOutput()
			if code := command.ProcessState.ExitCode(); code != test.code {
				t.Errorf("%s: exit code %d, want %d", test.command, code, test.code)
			}
			bad := strings.Contains(string(output), "\x1b]") || strings.Contains(string(output), "\x1b[2J")
			for line := range strings.SplitSeq(string(output), "\n") {
				line = strings.TrimSpace(line)
				bad = bad || strings.HasPrefix(line, "::set-output") || strings.HasPrefix(line, "::add-mask")
			}
			told := workflow == "" || test.command[0] != "logs" // in a workflow, logs prints no statuses
			if bad || told && !strings.Contains(string(output), shown) {
				t.Errorf("%s (workflow %q):\n%q", test.command, workflow, output)
			}
		}
	}
}
