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
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxonfile"
	"github.com/slipway-ci/slipway/internal/sandbox"
	"github.com/slipway-ci/slipway/internal/sandbox/gate"
	"github.com/slipway-ci/slipway/internal/testbed"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// program is what a component that is a service runs.
type program struct {
	// params are beside those that every component has.
	params string
	// page is what a browser that opens the printed address ends at, below which the
	// service is, and marker a part of it.
	page, marker string
	// others are pages that can be opened by their own addresses, each with a part.
	others map[string]string
	// socket is the path of a WebSocket, "" for none.
	socket string
}

// programs are those of the components. MLflow and code-server are not: they are too
// large for every run of the tests.
var programs = map[string]program{
	"jupyter": {
		page: "lab", marker: `<title>JupyterLab</title>`, socket: "api/events/subscribe",
		others: map[string]string{"lab/tree/notes.txt": `<title>JupyterLab</title>`, "api/contents/notes.txt": "kept on the volume"},
	},
	"tensorboard": {marker: `<title>TensorBoard</title>`, others: map[string]string{"data/environment": "/polyaxon-v1-data/tensorboard"}},
	"streamlit": {
		params: ", APP: /app/forecast.py", marker: `<title>Streamlit</title>`, socket: "_stcore/stream",
		others: map[string]string{"_stcore/health": "ok", "second": `<title>Streamlit</title>`},
	},
	"rest-api": {
		params: `, COMMAND: [uvicorn, "api:app", --app-dir=/app, --host=0.0.0.0, --port=8000]`,
		page:   "docs", marker: "swagger", socket: "socket",
		// The second one is where the first one leads to.
		others: map[string]string{"openapi.json": `"/predict/"`, "predict": "virginica"},
	},
}

var withoutProgram = []string{"mlflow", "vscode"}

// TestServicesWithTheirPrograms starts the components that are services on a sandbox,
// each with its real program, and opens the addresses that are printed, and those that
// the gateway of a cluster would have.
func TestServicesWithTheirPrograms(t *testing.T) {
	packages, base := testbed.Services(t), testbed.PythonBase(t)
	for _, name := range components.Names() {
		if _, tested := programs[name]; !tested && isService(t, name) && !slices.Contains(withoutProgram, name) {
			t.Errorf("nothing starts the program of the component %s", name)
		}
	}
	stage := newProgramStage(t, packages, base)
	addresses := stage.up(t)
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := addresses[name]
			if address == nil {
				t.Fatal("it is not up")
			}
			b := newBrowser(t)
			b.opens(t, address.String(), p.page, p.marker)
			below := strings.TrimSuffix(address.Path, p.page)
			if name == "jupyter" {
				below = address.Path // its page is where it leads to
			}
			root := "http://" + address.Host + below
			for path, marker := range p.others {
				b.opens(t, root+path, "", marker)
			}
			if p.socket != "" {
				b.handshake(t, root+p.socket, "http://"+address.Host, http.StatusSwitchingProtocols)
				b.handshake(t, root+p.socket, "http://evil.example", http.StatusForbidden)
			}
			refusesOthers(t, root, address.Query().Get(gate.Parameter))
			stage.throughGateway(t, name, p)
		})
	}
}

func isService(t *testing.T, name string) bool {
	text, err := components.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	file, err := polyaxonfile.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	component, _ := file.Component()
	run, _ := component["run"].(map[string]any)
	return run["kind"] == "service"
}

// refusesOthers has another user of the machine, and web pages, ask a service.
func refusesOthers(t *testing.T, root, key string) {
	t.Helper()
	for who, c := range map[string]struct {
		headers map[string]string
		want    int
	}{
		"another user":           {nil, http.StatusUnauthorized},
		"another user's guess":   {map[string]string{"Authorization": "Bearer " + strings.Repeat("0", len(key))}, http.StatusUnauthorized},
		"a page of another name": {map[string]string{"Authorization": "Bearer " + key, "Host": "rebound.example"}, http.StatusForbidden},
		"a page's script":        {map[string]string{"Authorization": "Bearer " + key, "Origin": "http://evil.example"}, http.StatusForbidden},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range c.headers {
			request.Header.Set(name, value)
		}
		request.Host = c.headers["Host"]
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s gets %s, want %d", who, response.Status, c.want)
		}
	}
}

// browser keeps cookies and follows redirects.
type browser struct{ http.Client }

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{http.Client{Jar: jar, Timeout: time.Minute}}
}

// opens opens an address, which must lead to a page that has a marker.
func (b *browser) opens(t *testing.T, address, page, marker string, headers ...string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,*/*")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), marker) {
		t.Errorf("%s leads to %s, which answers %s without %q (%v): %.300s", address, response.Request.URL, response.Status, marker, err, text)
	}
	if !strings.HasSuffix(strings.TrimSuffix(response.Request.URL.Path, "/"), page) {
		t.Errorf("%s leads to %s, want %s", address, response.Request.URL, page)
	}
}

// handshake asks for a WebSocket as a page of an origin does.
func (b *browser) handshake(t *testing.T, address, origin string, want int) {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.DialTimeout("tcp", at.Host, 10*time.Second)
	if err != nil {
		t.Error(err)
		return
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(time.Minute))
	request := &http.Request{Method: http.MethodGet, URL: at, Host: at.Host, Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"c2xpcHdheSBzbGlwd2F5IQ=="}, "Origin": {origin},
	}}
	for _, cookie := range b.Jar.Cookies(at) {
		request.AddCookie(cookie)
	}
	if err := request.Write(connection); err != nil {
		t.Error(err)
		return
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil || response.StatusCode != want {
		t.Errorf("the WebSocket %s answers a page of %s with %v (%v), want %d", address, origin, response, err, want)
	}
}

// programStage is a repository whose image has Python, and a sandbox whose volume has
// the programs.
type programStage struct{ dir, slipway string }

func newProgramStage(t *testing.T, packages, base string) *programStage {
	s := &programStage{dir: t.TempDir()}
	s.slipway = filepath.Join(s.dir, ".bin", "slipway")
	t.Cleanup(func() { stopSandboxes(t, s.dir) })
	files := map[string]string{
		"app/api.py":          "from fastapi import FastAPI, WebSocket\napp = FastAPI()\n@app.get('/predict/')\ndef predict(): return {'species': 'virginica'}\n@app.websocket('/socket')\nasync def socket(s: WebSocket): await s.accept()\n",
		"app/forecast.py":     "import streamlit\nstreamlit.title('Forecast')\n",
		"app/pages/second.py": "import streamlit\nstreamlit.title('Second')\n",
	}
	for name, module := range map[string]string{"jupyter": "jupyter_core", "jupyter-lab": "jupyterlab", "tensorboard": "tensorboard.main", "streamlit": "streamlit", "uvicorn": "uvicorn"} {
		files["usr/local/bin/"+name] = "#!/bin/sh\nexec python3 -m " + module + " \"$@\"\n"
	}
	const site = "/polyaxon-v1-data/site-packages"
	config := "project: programs\nimages:\n  python:\n    files: [usr/, bin, lib, lib64, app/]\n    workdir: /\n" +
		"    env: {HOME: /tmp, PATH: /usr/local/bin:/usr/bin, PYTHONPATH: " + site + ", PYTHONDONTWRITEBYTECODE: '1', JUPYTERLAB_DIR: " + site + "/share/jupyter/lab}\nservices:\n"
	for name, p := range programs {
		config += fmt.Sprintf("  %s: {component: %s, image: python, params: {CPU: 50m, MEMORY: 1Gi%s}}\n", name, name, p.params)
	}
	files["slipway.yaml"] = config
	for name, text := range files {
		mustWrite(t, filepath.Join(s.dir, name), text, 0o755)
	}
	unpackPython(t, base, s.dir)
	// The race detector would read the image ten times slower.
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", s.slipway, ".").CombinedOutput(); err != nil {
		t.Fatalf("build slipway: %v\n%s", err, out)
	}
	if out, err := s.command(t.Context(), "build").CombinedOutput(); err != nil {
		t.Fatalf("build the image: %v\n%s", err, out)
	}
	volume := filepath.Join(s.dir, ".slipway", "sandbox", "volumes", "polyaxon-v1-data")
	linkTree(t, packages, filepath.Join(volume, "site-packages"))
	mustWrite(t, filepath.Join(volume, "notes.txt"), "kept on the volume", 0o644)
	return s
}

func (s *programStage) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.slipway, args...)
	command.Dir = s.dir
	return command
}

// up starts all services at the same time, and gives the addresses that are printed.
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

// throughGateway opens a service where Polyaxon's gateway has it, which the sandbox's
// server has too.
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

// unpackPython unpacks Python and a shell, and what they load, out of the base.
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
			if path.IsAbs(target) { // an image's links stay within it
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

// linkTree makes a tree of the same files, as copies where the file system is another.
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
		if os.Link(at, target) == nil {
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
