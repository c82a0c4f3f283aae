package gate_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/slipway-ci/slipway/internal/gate"
)

// open opens a gate as opened does, and returns its address and its key.
func open(t *testing.T, path string, strip ...bool) (address *url.URL, key string) {
	t.Helper()
	g := opened(t, path, strip...)
	address, err := url.Parse(g.Address())
	if err != nil {
		t.Fatal(err)
	}
	return address, address.Query().Get(gate.Parameter)
}

// opened opens a gate in front of a program that answers with what it received, and that
// answers a request for /socket as a WebSocket would. The gate is closed when the test
// ends.
func opened(t *testing.T, path string, strip ...bool) *gate.Gate {
	t.Helper()
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket" {
			connection, both, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer connection.Close()
			_, _ = both.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = both.Flush()
			line, _ := both.ReadString('\n')
			_, _ = both.WriteString("echo " + line)
			_ = both.Flush()
			return
		}
		w.Header().Add("Set-Cookie", "slipway-5678=taken")
		w.Header().Add("Set-Cookie", "theirs=2")
		_, _ = io.WriteString(w, strings.Join([]string{r.Host, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Cookie")}, "|"))
	}))
	t.Cleanup(program.Close)
	g, err := gate.Open(gate.Options{Name: "1234", Path: path, StripPath: len(strip) > 0, Log: io.Discard, Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", program.Listener.Addr().String())
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// ask sends a GET request with headers, given as names and values, and returns the
// response and its body.
func ask(t *testing.T, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
			continue
		}
		request.Header.Add(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestGateAsksForItsKey(t *testing.T) {
	address, key := open(t, "")
	plain := "http://" + address.Host + "/lab?a=b"
	cookie := "slipway-1234=" + key
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"another user of the machine": {nil, 401},
		"a wrong key":                 {[]string{"Cookie", "slipway-1234=" + strings.Repeat("0", 32)}, 401},
		"an empty key":                {[]string{"Cookie", "slipway-1234=", "Authorization", "Bearer "}, 401},
		"the user's browser":          {[]string{"Cookie", cookie, "Sec-Fetch-Site", "same-origin"}, 200},
		"a program":                   {[]string{"Authorization", "Bearer " + key}, 200},
		"another host's name":         {[]string{"Cookie", cookie, "Host", "rebound.example"}, 403},
		"its own script":              {[]string{"Cookie", cookie, "Origin", "http://" + address.Host}, 200},
		"a script of a web page":      {[]string{"Cookie", cookie, "Origin", "http://evil.example"}, 403},
		"a page without an origin":    {[]string{"Cookie", cookie, "Origin", "null"}, 403},
		"a page of another port":      {[]string{"Cookie", cookie, "Origin", "http://127.0.0.1:1"}, 403},
		"an image in a web page":      {[]string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"an image of another port":    {[]string{"Cookie", cookie, "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"a link in a web page":        {[]string{"Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
	} {
		response, text := ask(t, plain, c.headers...)
		if response.StatusCode != c.want {
			t.Errorf("%s: %s %s", name, response.Status, text)
		}
		if c.want == 200 && text != address.Host+"|/lab?a=b||" {
			t.Errorf("%s: the program gets %s", name, text)
		}
	}
	// Headers and cookies that are not the gate's are passed on.
	response, text := ask(t, plain, "Cookie", cookie+"; theirs=1; slipway-5678="+strings.Repeat("1", 32), "Authorization", "Token theirs")
	if text != address.Host+"|/lab?a=b|Token theirs|theirs=1" {
		t.Errorf("the program gets %s", text)
	}
	if set := response.Header.Values("Set-Cookie"); !slices.Equal(set, []string{"theirs=2"}) {
		t.Errorf("the browser gets the cookies %q", set)
	}
}

// TestGateOpensWithThePrintedAddress opens the printed address with a browser and with a
// program.
func TestGateOpensWithThePrintedAddress(t *testing.T) {
	below, _ := open(t, "/services/v1/x/")
	if response, text := ask(t, below.String()); response.StatusCode != 200 || text != below.Host+"|/services/v1/x/||" {
		t.Errorf("below a path: %s: %s", response.Status, text)
	}
	address, key := open(t, "")
	response, _ := ask(t, address.String(), "Accept", "text/html,*/*", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	if response.StatusCode != http.StatusSeeOther || response.Header.Get("Location") != "/" {
		t.Errorf("a browser gets %s to %s", response.Status, response.Header.Get("Location"))
	}
	set := response.Cookies()
	if len(set) != 1 || set[0].Value != key || !set[0].HttpOnly || set[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("the cookie is %v", set)
	}
	if response, text := ask(t, address.String()); response.StatusCode != 200 || text != address.Host+"|/||" {
		t.Errorf("a program gets %s: %s", response.Status, text)
	}
	if response, _ := ask(t, address.String(), "Origin", "http://evil.example"); response.StatusCode != 403 {
		t.Errorf("a script with the key gets %s", response.Status)
	}
}

// TestGatePassesWebSockets opens a WebSocket from a page of the service and from another
// page.
func TestGatePassesWebSockets(t *testing.T) {
	address, key := open(t, "")
	for origin, want := range map[string]string{"http://" + address.Host: "101", "http://evil.example": "403"} {
		connection, err := net.Dial("tcp", address.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()
		_, _ = io.WriteString(connection, "GET /socket HTTP/1.1\r\nHost: "+address.Host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: "+origin+"\r\nCookie: slipway-1234="+key+"\r\n\r\n")
		reader := bufio.NewReader(connection)
		response, err := http.ReadResponse(reader, nil)
		if err != nil || !strings.HasPrefix(response.Status, want) {
			t.Errorf("from %s: %v %v", origin, response, err)
			continue
		}
		if want == "101" {
			_, _ = io.WriteString(connection, "hello\n")
			if line, err := reader.ReadString('\n'); line != "echo hello\n" {
				t.Errorf("the socket says %q (%v)", line, err)
			}
		}
	}
}

// TestClosedGateEndsWebSockets closes the gate while a WebSocket is open.
func TestClosedGateEndsWebSockets(t *testing.T) {
	g := opened(t, "")
	address, err := url.Parse(g.Address())
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", address.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	_, _ = io.WriteString(connection, "GET /socket?"+address.RawQuery+" HTTP/1.1\r\nHost: "+address.Host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	reader := bufio.NewReader(connection)
	if response, err := http.ReadResponse(reader, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", response, err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); err == nil {
		t.Error("the socket goes on")
	}
}

// TestGateStripsThePath uses StripPath: the gate has a path, and the program serves /.
func TestGateStripsThePath(t *testing.T) {
	address, key := open(t, "/rewrite-services/v1/x/", true)
	cookie := "slipway-1234=" + key
	for path, want := range map[string]string{
		"/rewrite-services/v1/x/":            "/",
		"/rewrite-services/v1/x/docs?a=b":    "/docs?a=b",
		"/rewrite-services/v1/x/a%2Fb/":      "/a%2Fb/",
		"/rewrite-services/v1/x//other/":     "//other/",
		"/rewrite-services/v1/xy":            "/rewrite-services/v1/xy",
		"/static/absolute.js":                "/static/absolute.js",
		"/rewrite-services/v1/x/%2e%2e/docs": "/%2e%2e/docs",
	} {
		if response, text := ask(t, "http://"+address.Host+path, "Cookie", cookie); response.StatusCode != 200 || text != address.Host+"|"+want+"||" {
			t.Errorf("%s: %s: %s, want %s", path, response.Status, text, want)
		}
	}
	response, _ := ask(t, address.String(), "Accept", "text/html")
	if want := "/rewrite-services/v1/x/"; response.Header.Get("Location") != want {
		t.Errorf("a browser is led to %s, want %s", response.Header.Get("Location"), want)
	}
}

// TestPanicsOfTheProxy has Dial panic in a goroutine of the transport. The request is
// answered, the log has the panic, and the gate goes on.
func TestPanicsOfTheProxy(t *testing.T) {
	var log bytes.Buffer
	g, err := gate.Open(gate.Options{Name: "1234", Log: &log, Dial: func(context.Context) (net.Conn, error) { panic("provoked") }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if response, text := ask(t, g.Address()); response.StatusCode != http.StatusBadGateway {
			t.Errorf("it answers %s: %s", response.Status, text)
		}
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if said := "service 1234: this is a bug in slipway (panic: provoked)"; strings.Count(log.String(), said) != 2 {
		t.Errorf("the log does not say %q twice:\n%s", said, log.String())
	}
}
