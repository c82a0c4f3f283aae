package image

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// startDockerRegistry starts the registry of Debian's package docker-registry on
// a port of its own, and gives its address. Its own configuration has a fixed
// port and wants passwords.
func startDockerRegistry(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		if _, ci := os.LookupEnv("CI"); ci {
			t.Fatal("docker-registry is not installed: apt-get install docker-registry")
		}
		t.Skip("docker-registry is not installed: apt-get install docker-registry")
	}
	dir := t.TempDir()
	var log bytes.Buffer
	for range 3 { // somebody else may take the port before it does
		address := freePort(t)
		configuration := filepath.Join(dir, "config.yml")
		text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}, delete: {enabled: true}}\nhttp: {addr: %q, secret: test}\n",
			filepath.Join(dir, "data"), address)
		must(t, os.WriteFile(configuration, []byte(text), 0o600))
		log.Reset()
		command := exec.Command(program, "serve", configuration)
		command.Stdout, command.Stderr = &log, &log
		command.Env = []string{"OTEL_TRACES_EXPORTER=none"}
		must(t, command.Start())
		ended := make(chan error, 1)
		go func() { ended <- command.Wait() }()
		if answers("http://"+address+"/v2/", ended) {
			t.Cleanup(func() {
				_ = command.Process.Kill()
				<-ended
			})
			return "http://" + address
		}
		_ = command.Process.Kill()
	}
	t.Fatalf("docker-registry does not start:\n%s", log.String())
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// answers waits until there is an answer, or the process has ended.
func answers(url string, ended <-chan error) bool {
	client := &http.Client{Timeout: time.Second}
	for range 200 {
		if answer, err := client.Get(url); err == nil {
			_ = answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		}
		select {
		case <-ended:
			return false
		case <-time.After(25 * time.Millisecond):
		}
	}
	return false
}
