//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/tasks"
)

// TestPipesAreNotWaitedFor replaces a file of the repository by a named pipe, which is
// refused with an error. Files that may be pipes, such as a shell's <(...), and URLs that
// do not answer are waited for until a SIGTERM.
func TestPipesAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	asked, silent := make(chan struct{}, 1), make(chan struct{})
	hanging := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-silent }))
	defer hanging.Close()
	defer close(silent)
	certificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hanging.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	const job = "version: 1.1\nkind: component\nrun: {kind: job, container: {image: busybox, command: [\"true\"]}}\n"
	for name, test := range map[string]struct {
		config, pipe string
		args         []string
		waits        bool
	}{
		"slipway.yaml":   {"", "slipway.yaml", []string{"plan", "--offline"}, false},
		"a Polyaxonfile": {"project: p\njobs: {job: {polyaxonfile: pipe}}\n", "pipe", []string{"plan", "--offline"}, false},
		"a preset":       {"project: p\njobs: {job: {polyaxonfile: job.yml, presets: [pipe]}}\n", "pipe", []string{"plan", "--offline"}, false},
		"check":          {"", "pipe", []string{"check", "--fix", "pipe"}, false},
		"a Dockerfile":   {"project: p\nregistry: unused.invalid\nimages: {i: {dockerfile: pipe}}\n", "pipe", []string{"build"}, false},
		"a lock":         {"project: p\nregistry: unused.invalid\nimages: {i: {python: {base: \"unused.invalid/python\", version: \"3.12\", requirements: requirements.lock.txt}, files: [job.yml]}}\n", "requirements.lock.txt", []string{"build"}, false},
		".dockerignore":  {"project: p\nregistry: unused.invalid\nimages: {i: {files: [job.yml]}}\n", ".dockerignore", []string{"build"}, false},
		"a secret":       {"project: p\nsecrets: {s: {data: {k: \"file:pipe\"}}}\n", "pipe", []string{"deploy"}, true},
		"a kubeconfig":   {"project: p\ncluster: {kubeconfig: {path: pipe}, namespace: n}\nsecrets: {s: {data: {k: \"env:HOME\"}}}\n", "pipe", []string{"secrets", "plan"}, true},
		"a urlRef":       {"project: p\nreferences: {hosts: [127.0.0.1]}\njobs: {job: {polyaxonfile: ref.yml}}\n", "", []string{"plan", "--offline"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"slipway.yaml": test.config, "job.yml": job, "ref.yml": "version: 1.1\nkind: operation\nurlRef: " + hanging.URL + "/c.yml\n"} {
				if file == test.pipe || text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.pipe != "" {
				if err := syscall.Mkfifo(filepath.Join(dir, test.pipe), 0o600); err != nil {
					t.Skip(err)
				}
			}
			var said bytes.Buffer
			command := exec.CommandContext(t.Context(), "slipway", append([]string{"-C", dir}, test.args...)...)
			command.Stdout, command.Stderr = &said, &said
			command.Env = append(os.Environ(), "SSL_CERT_FILE="+certificate, "PWD="+dir)
			command.Dir = dir
			if !test.waits {
				_ = command.Run()
				if code := command.ProcessState.ExitCode(); code != tasks.ExitUsage || !strings.Contains(said.String(), "is a pipe, not a file") {
					t.Errorf("exit code %d: %s", code, said.String())
				}
				return
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			if test.pipe == "" {
				<-asked
			} else {
				writer, err := os.OpenFile(filepath.Join(dir, test.pipe), os.O_WRONLY, 0) // returns as soon as slipway opens it for reading
				if err != nil {
					t.Fatal(err)
				}
				defer writer.Close()
			}
			began := time.Now()
			_ = command.Process.Signal(syscall.SIGTERM)
			_ = command.Wait()
			if code, took := command.ProcessState.ExitCode(), time.Since(began); code != tasks.ExitInterrupted || took > 3*time.Second { // 3 seconds allow for a busy machine
				t.Errorf("exit code %d after %s: %s", code, took, said.String())
			}
		})
	}
}

// TestHeadReadsADeploy closes the output of a deploy after its first line, as `slipway
// deploy 2>&1 | head -1` does. The deploy continues, and its exit code is that of the
// runs.
func TestHeadReadsADeploy(t *testing.T) {
	s := newStage(t, sandboxServer(t))
	for end, code := range map[polyaxon.Status]int{polyaxon.Succeeded: tasks.ExitOK, polyaxon.Failed: tasks.ExitFailed} {
		s.ends.Store(end)
		project := s.project()
		command := s.command(project)
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		command.Stdout, command.Stderr = writer, writer
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		_ = writer.Close()
		line, err := bufio.NewReaderSize(reader, 16).ReadString('\n')
		if err != nil && line == "" {
			t.Error(err)
		}
		_ = reader.Close()
		_ = command.Wait()
		if got := command.ProcessState.ExitCode(); got != code {
			t.Errorf("it ended with %d after %q; want %d", got, line, code)
		}
		s.mustBeOnce(fmt.Sprint(end), project, end, map[polyaxon.Status][]string{polyaxon.Succeeded: {"prepare", "train"}, polyaxon.Failed: {"prepare"}}[end]...)
	}
}
