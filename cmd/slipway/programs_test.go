package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/gate"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
	"github.com/slipway-ci/slipway/internal/testenv"
	components "github.com/slipway-ci/slipway/polyaxon"
)

// program describes what the program of a service component serves.
type program struct {
	// params are its params besides those that every component has.
	params string
	// page is the path, relative to the service, that a browser is redirected to when it
	// opens the printed address. marker is a part of that page.
	page, marker string
	// others are pages that can be opened directly, each with a part of its text.
	others map[string]string
	// socket is the path of a WebSocket, "" for none.
	socket string
}

// programs are the programs of the components. MLflow and code-server are left out,
// because they are too large for every run of the tests.
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
		// openapi.json lists the path of the second page.
		others: map[string]string{"openapi.json": `"/predict/"`, "predict": "virginica"},
	},
}

var withoutProgram = []string{"mlflow", "vscode"}

// TestServicesWithTheirPrograms starts the components that are services on a sandbox,
// each with its real program. It opens the printed addresses, and the addresses that a
// cluster's gateway would have.
func TestServicesWithTheirPrograms(t *testing.T) {
	t.Parallel()
	packages, base := testenv.Services(t), testenv.PythonBase(t)
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
				below = address.Path // its address redirects to its page
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
	f, problems := file.Load(name, text)
	if err := file.Errors(problems); err != nil {
		t.Fatal(err)
	}
	component, _ := f.Component()
	run, _ := component["run"].(map[string]any)
	return run["kind"] == "service"
}

// refusesOthers sends requests to a service as another user of the machine, and as web
// pages of other origins.
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

// browser is an HTTP client that keeps cookies and follows redirects.
type browser struct{ http.Client }

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{http.Client{Jar: jar, Timeout: time.Minute}}
}

// opens opens an address and checks that it leads to page and that the response contains
// marker.
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

// handshake requests a WebSocket as a page of an origin does, and checks the status of
// the response.
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
