package main

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/slipway-ci/slipway/internal/sandbox"
)

// programStage is a repository whose image has Python, and a sandbox whose volume has the
// programs of the services.
type programStage struct{ dir, slipway string }

func newProgramStage(t *testing.T, packages, base string) *programStage {
	files := map[string]string{
		"app/api.py":          "from fastapi import FastAPI, WebSocket\napp = FastAPI()\n@app.get('/predict/')\ndef predict(): return {'species': 'virginica'}\n@app.websocket('/socket')\nasync def socket(s: WebSocket): await s.accept()\n",
		"app/forecast.py":     "import streamlit\nstreamlit.title('Forecast')\n",
		"app/pages/second.py": "import streamlit\nstreamlit.title('Second')\n",
	}
	config := "project: programs\n" + pythonImage("python", "app/", "JUPYTERLAB_DIR: "+sitePackages+"/share/jupyter/lab") + "services:\n"
	for name, p := range programs {
		config += fmt.Sprintf("  %s: {component: %s, image: python, params: {CPU: 50m, MEMORY: 1Gi%s}}\n", name, name, p.params)
	}
	files["slipway.yaml"] = config
	s := newPythonStage(t, packages, base, files, map[string]string{"jupyter": "jupyter_core", "jupyter-lab": "jupyterlab", "tensorboard": "tensorboard.main", "streamlit": "streamlit", "uvicorn": "uvicorn"})
	mustWrite(t, filepath.Join(s.volume(), "notes.txt"), "kept on the volume", 0o644)
	return s
}

func (s *programStage) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.slipway, args...)
	command.Dir = s.dir
	return command
}

// up starts all services at the same time and returns the addresses that they print.
func (s *programStage) up(t *testing.T) map[string]*url.URL {
	var mu sync.Mutex
	addresses := map[string]*url.URL{}
	var group sync.WaitGroup
	for name := range programs {
		group.Add(1)
		go func() {
			defer group.Done()
			said, err := s.command(t.Context(), "up", name, "--wait", "3m").CombinedOutput()
			printed := regexp.MustCompile(`(?m)^  address: (\S+)$`).FindSubmatch(said)
			if err != nil || printed == nil {
				t.Errorf("up %s: %v\n%s", name, err, said)
				return
			}
			address, err := url.Parse(string(printed[1]))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			addresses[name] = address
		}()
	}
	group.Wait()
	return addresses
}

// throughGateway opens a service at the path that Polyaxon's gateway serves it at. The
// sandbox's server has the same paths.
func (s *programStage) throughGateway(t *testing.T, name string, p program) {
	t.Helper()
	running, err := sandbox.Running(t.Context(), filepath.Join(s.dir, ".slipway", "sandbox"))
	if err != nil {
		t.Error(err)
		return
	}
	out, err := s.command(t.Context(), "status", name, "-o", "json").Output()
	var told struct {
		Runs []struct{ UUID string }
	}
	if err := errors.Join(err, json.Unmarshal(out, &told)); err != nil || len(told.Runs) != 1 {
		t.Errorf("status %s: %v\n%s", name, err, out)
		return
	}
	location, port := "services", map[string]string{"jupyter": "8888", "tensorboard": "6006", "streamlit": "8501", "rest-api": "8000"}[name]
	if name == "streamlit" || name == "rest-api" {
		location = "rewrite-services"
	}
	root := running.Polyaxon + "/" + path.Join(location, "v1", running.Namespace, "default", "programs", "runs", told.Runs[0].UUID, port) + "/"
	b := newBrowser(t)
	token := "Token " + string(running.Token.Reveal())
	b.opens(t, root+p.page, p.page, p.marker, "Authorization", token, "Origin", "https://polyaxon.example")
	for path, marker := range p.others {
		b.opens(t, root+path, "", marker, "Authorization", token)
	}
}

// unpackPython unpacks Python, a shell and the libraries that they load from the base
// image.
func unpackPython(t *testing.T, base, dir string) {
	t.Helper()
	wanted := regexp.MustCompile(`^(bin|lib|lib64|usr/bin/(python3[.0-9]*|sh|dash|env)|usr/lib64/.*|usr/lib/python3\.11/.*|usr/lib/[^/]*-linux-gnu/(lib)?[^/]*\.so[.0-9]*|usr/lib/ld-linux[^/]*)$`)
	left := regexp.MustCompile(`/(test|__pycache__|idlelib|tkinter|lib2to3)/`)
	file, err := os.Open(base)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for reader := tar.NewReader(bufio.NewReaderSize(file, 1<<20)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		name := path.Clean(header.Name)
		to := filepath.Join(dir, name)
		if !wanted.MatchString(name) || left.MatchString(name) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		switch header.Typeflag {
		case tar.TypeReg:
			text, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			mustWrite(t, to, string(text), header.FileInfo().Mode().Perm())
		case tar.TypeSymlink:
			target := header.Linkname
			if path.IsAbs(target) { // absolute links are relative to the root of the image
				if target, err = filepath.Rel(filepath.Dir("/"+name), target); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(target, to); err != nil {
				t.Fatal(err)
			}
		case tar.TypeLink:
			if err := os.Link(filepath.Join(dir, path.Clean(header.Linkname)), to); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// linkTree makes a tree of hard links to the same files. It copies a file that cannot be
// linked, for example to another file system.
func linkTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, at)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if err := os.Link(at, target); err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		text, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustWrite(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
