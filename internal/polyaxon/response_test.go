package polyaxon

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// serving returns a client of a server that responds with handle. The client does not
// sleep between retries.
func serving(t *testing.T, handle http.HandlerFunc) *Client {
	t.Helper()
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handle(w, r.WithContext(context.WithValue(r.Context(), endedKey{}, ended)))
	}))
	t.Cleanup(func() { close(ended); server.CloseClientConnections(); server.Close() })
	return client(t, server)
}

// endedKey is the key of the channel that is closed when the test ends, in a request's
// context.
type endedKey struct{}

// hang blocks until the request is canceled or the test ends.
func hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-r.Context().Value(endedKey{}).(chan struct{}):
	}
}

func client(t *testing.T, server *httptest.Server) *Client {
	t.Helper()
	c, err := New(Options{Host: server.URL, Transport: server.Client().Transport, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// every returns one call of each kind of request.
func every(c *Client) map[string]func() error {
	ctx := context.Background()
	a := Artifact{Namespace: "n", Project: "p", UUID: "u", Path: "outputs/x"}
	return map[string]func() error{
		"installation": func() error { _, err := c.Installation(ctx); return err },
		"project":      func() error { return c.EnsureProject(ctx, "p") },
		"create":       func() error { _, err := c.CreateRun(ctx, "p", CreateRun{Content: "{}"}); return err },
		"list":         func() error { _, _, err := c.Runs(ctx, "p", Query{}); return err },
		"statuses":     func() error { _, _, err := c.Statuses(ctx, "p", "u"); return err },
		"logs":         func() error { _, err := c.Logs(ctx, LogQuery{Project: "p", UUID: "u"}); return err },
		"live logs":    func() error { _, err := c.Logs(ctx, LogQuery{Project: "p", UUID: "u", Live: true}); return err },
		"tree":         func() error { _, _, err := c.Tree(ctx, a); return err },
		"lineage":      func() error { _, err := c.Lineage(ctx, "p", "u"); return err },
		"dry run":      func() error { _, err := c.DryRun(ctx, "p", CreateRun{Content: "{}"}); return err },
	}
}

// Every call must report a server that is not Polyaxon as such.
func TestNotPolyaxon(t *testing.T) {
	page := "<!DOCTYPE html><html><body>Sign in to continue</body></html>"
	for name, handle := range map[string]http.HandlerFunc{
		"a login page": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) },
		"a page for a JSON that claims to be one": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "\ufeff\n "+page)
		},
		"a refusal with a page": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden); fmt.Fprint(w, page) },
		"a login elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/?next=x", http.StatusFound)
		},
		"a login here": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				fmt.Fprint(w, page)
				return
			}
			http.Redirect(w, r, "/login", http.StatusFound)
		},
		"a circle": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) },
		"text":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") },
		"a list":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[1, 2]`) },
		"a code":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) },
	} {
		c := serving(t, handle)
		for call, do := range every(c) {
			var e *Error
			err := do()
			if !errors.As(err, &e) || e.Kind != NotPolyaxon {
				t.Errorf("%s, %s: %v", name, call, err)
			}
			if words := fmt.Sprint(err); strings.Contains(words, "a web page") && !strings.Contains(words, " from "+c.Host()+"/") ||
				name == "a login here" && strings.Contains(words, "a web page") && !strings.Contains(words, " from "+c.Host()+"/login:") {
				t.Errorf("%s, %s: who answered is not told: %v", name, call, err)
			}
		}
	}
}

// A failure of the server is temporary, and a rejection is not.
func TestKindsOfErrors(t *testing.T) {
	for _, test := range []struct {
		code      int
		body, ctt string
		kind      ErrorKind
		words     string
	}{
		{405, "", "text/html", Server, "the server failed and returned no reason"},
		{405, `{"detail":"Method \"PUT\" not allowed."}`, "application/json", Invalid, `Method "PUT" not allowed.`},
		{500, "", "text/html", Server, "returned no reason"},
		{502, "<html>502 Bad Gateway</html>", "text/html", Server, "502"},
		{503, "no upstream", "text/plain", Server, "no upstream"},
		{429, `{"detail":"Request was throttled."}`, "application/json", Server, "throttled"},
		{401, `{"detail":"Invalid token."}`, "application/json", Auth, "Invalid token."},
		{403, `{"detail":"Invalid username/password."}`, "application/json", Auth, "polyaxon.token"},
		{404, `{"detail":"No Run matches the given query."}`, "application/json", NotFound, "No Run matches"},
		{400, `["Expression is not valid"]`, "application/json", Invalid, "Expression is not valid"},
		{400, `{"name":["a","b"],"tags":["c"]}`, "application/json", Invalid, "name: a; name: b; tags: c"},
		{400, `{"errors":{"deep":[1,null,true]}}`, "application/json", Invalid, "deep: 1; deep: true"},
		{400, `{"non_field_errors":["Run expects a content."]}`, "application/json", Invalid, "x: Run expects"},
		{415, `{"detail":"Unsupported media type"}`, "application/json", Invalid, "Unsupported"},
		{400, "\xff\xfe plain", "text/plain", Invalid, "plain"},
	} {
		var asked atomic.Int32
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			w.Header().Set("Content-Type", test.ctt)
			w.WriteHeader(test.code)
			fmt.Fprint(w, test.body)
		})
		_, err := c.Run(context.Background(), "p", "u")
		var e *Error
		if !errors.As(err, &e) || e.Kind != test.kind || !strings.Contains(err.Error(), strings.TrimPrefix(test.words, "x: ")) {
			t.Errorf("%d %s: %v", test.code, test.body, err)
			continue
		}
		want := int32(1)
		if test.kind == Server {
			want = maxAttempts
		}
		if Temporary(err) != (test.kind == Server) || asked.Load() != want {
			t.Errorf("%d %s: temporary %t, asked %d times", test.code, test.body, Temporary(err), asked.Load())
		}
		asked.Store(0)
		if _, err := c.CreateRun(context.Background(), "p", CreateRun{Content: "{}"}); err == nil || asked.Load() != 1 {
			t.Errorf("%d %s: a create was sent %d times: %v", test.code, test.body, asked.Load(), err)
		}
	}
}

// A response that is too slow, never begins or never ends must time out.
func TestSlowResponses(t *testing.T) {
	drip := func(w http.ResponseWriter, r *http.Request, text string) {
		for {
			if _, err := io.WriteString(w, text); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-r.Context().Value(endedKey{}).(chan struct{}):
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"nothing": func(_ http.ResponseWriter, r *http.Request) { hang(r) },
		"a byte after the other": func(w http.ResponseWriter, r *http.Request) {
			drip(w, r, " ")
		},
		"line after line": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"logs":[{"value":"x"}`)
			drip(w, r, `,{"value":"x"}`)
		},
		"half a head": func(w http.ResponseWriter, r *http.Request) {
			connection, buffer, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer connection.Close()
			_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nContent-")
			_ = buffer.Flush()
			hang(r)
		},
	} {
		c := serving(t, handle)
		c.limits = limits{ask: 30 * time.Millisecond, change: 30 * time.Millisecond, stream: 30 * time.Millisecond, size: 64 << 20}
		calls := every(c)
		calls["download"] = func() error {
			body, err := c.Artifact(context.Background(), Artifact{Path: "x"})
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.Copy(io.Discard, body)
			return err
		}
		for call, do := range calls {
			err := do()
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "timed out after 30ms") {
				t.Errorf("%s, %s: %v", name, call, err)
			}
		}
	}
}

// A caller that reads a download slowly must not cause a timeout, although the download
// takes longer than the limit.
func TestSlowReaders(t *testing.T) {
	const size = 40 * pace
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })
	c.limits.stream = 2 * time.Second
	body, err := c.Artifact(context.Background(), Artifact{Path: "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.CopyN(io.Discard, body, 10); err != nil {
		t.Fatal(err)
	}
	<-time.After(c.limits.stream + 500*time.Millisecond)
	if n, err := io.Copy(io.Discard, body); err != nil || n != size-10 {
		t.Errorf("read %d bytes: %v", n, err)
	}
}

// A truncated response is a ContactError, not a success.
func TestTruncatedResponses(t *testing.T) {
	for name, text := range map[string]string{
		"a run": `{"uuid":"u","status":"succ`, "logs": `{"logs":[{"value":"a"},{"val`, "logs without the last brace": `{"logs":[],"last_time":null`, "nothing": "",
	} {
		c := serving(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
		for call, do := range every(c) {
			var contact *ContactError
			if err := do(); !errors.As(err, &contact) || !Temporary(err) || Refused(err) {
				if call == "logs" || call == "live logs" || !strings.HasPrefix(name, "logs") || err == nil {
					t.Errorf("%s, %s: %v", name, call, err)
				}
			}
		}
	}
}

// A response that is larger than any of Polyaxon's must not be read to its end.
func TestEndlessResponses(t *testing.T) {
	block := strings.Repeat("x", 1<<20)
	endless := func(before string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.WriteString(w, before)
			for err == nil {
				_, err = io.WriteString(w, block)
			}
		}
	}
	limited := func(before string) *Client {
		c := serving(t, endless(before))
		if c.limits.size != 64<<20 {
			t.Errorf("answers may be %d bytes", c.limits.size)
		}
		c.limits.size = 2 << 20
		return c
	}
	var e *Error
	if _, err := limited(`{"uuid":"`).Run(context.Background(), "p", "u"); !errors.As(err, &e) || e.Kind != NotPolyaxon || !strings.Contains(err.Error(), "2 MiB") {
		t.Errorf("a run: %v", err)
	}
	if _, err := limited(`{"logs":[{"value":"`).Logs(context.Background(), LogQuery{}); !errors.As(err, &e) || !strings.Contains(err.Error(), "2 MiB") {
		t.Errorf("a line: %v", err)
	}
}

// A very long line, bytes that are not UTF-8, and numbers instead of strings are all
// valid lines.
func TestUnusualLines(t *testing.T) {
	size := 1 << 20
	if testenv.Thorough() {
		size = 30 << 20
	}
	long := strings.Repeat("0123456789abcdef", size/16)
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"logs":[{"value":%q,"timestamp":"2026-11-23 20:00:00+00:00"},{"value":7,"pod":123},{"value":"a`+"\xff"+`b"},{"value":{"a":1}},{"value":null,"timestamp":"garbage"}],"files":null,"more":[1,{"x":2}]}`, long)
	})
	page, err := c.Logs(context.Background(), LogQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, l := range page.Lines[1:] {
		values = append(values, l.Value)
	}
	if page.Lines[0].Value != long || page.Lines[0].Timestamp.IsZero() || fmt.Sprintf("%q", values) != `["7" "a�b" "{\"a\":1}" ""]` || page.Lines[1].Pod != "123" {
		t.Errorf("lines %q, pod %q", values, page.Lines[1].Pod)
	}
}

// A list may be compressed unasked, a number may be NaN, and a status may be unknown.
func TestUnexpectedResponses(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		fmt.Fprint(zip, `{"count":2,"results":[{"uuid":"a","status":"melting","outputs":{"loss":NaN,"text":"NaN \"-Infinity\"","low":-Infinity},"tags":{"x":1},"duration":null},{"uuid":"b","name":7,"inputs":[1]}]}`)
		_ = zip.Close()
	})
	runs, count, err := c.Runs(context.Background(), "p", Query{})
	if err != nil || count != 2 {
		t.Fatal(count, err)
	}
	if r := runs[0]; r.Status != "melting" || r.Status.Terminal() || r.Outputs["loss"] != nil || r.Outputs["text"] != `NaN "-Infinity"` || r.Tags != nil || r.Project != "p" {
		t.Errorf("run %+v", r)
	}
	if r := runs[1]; r.Name != "7" || r.Inputs != nil {
		t.Errorf("run %+v", r)
	}
}

// Certificates are verified, and a request is not retried after a bad one.
func TestCertificates(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(parsed)
	c, err := New(Options{Host: strings.Replace(server.URL, "127.0.0.1", "localhost", 1), Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Installation(context.Background()); err == nil || Temporary(err) || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("an expired certificate: %v, temporary %t", err, Temporary(err))
	}
	plain, err := New(Options{Host: strings.Replace(server.URL, "https", "http", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Installation(context.Background()); err == nil || Temporary(err) {
		t.Errorf("http to a port of https: %v, temporary %t", err, Temporary(err))
	}
}

// The server's clock may differ from this machine's.
func TestClockAhead(t *testing.T) {
	c := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-5*time.Hour).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, `{"version":"2.18.0"}`)
	})
	if c.ClockOffset() != 0 || !c.Time().IsZero() {
		t.Errorf("before any answer: %s, %s", c.ClockOffset(), c.Time())
	}
	if _, err := c.Installation(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := c.ClockOffset() + 5*time.Hour; got.Abs() > time.Minute {
		t.Errorf("the server's clock is %s ahead", c.ClockOffset())
	}
	if got := time.Until(c.Time()) + 5*time.Hour; got.Abs() > time.Minute {
		t.Errorf("the server's clock tells %s", c.Time())
	}
}

func TestInstallation(t *testing.T) {
	for body, want := range map[string]string{
		`{"key":"k","version":"1.11.3","dist":"ce"}`: "1.11.3",
		`{"version":"2.18.0","mode":"sandbox"}`:      "2.18.0",
		`{"version":"3.1.0"}`:                        "3.1.0",
		`{"version":"latest"}`:                       "",
	} {
		told, err := serving(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }).Installation(context.Background())
		if err != nil || told.Version.String() != want {
			t.Errorf("%s: %v, %v", body, told.Version, err)
		}
	}
	var e *Error
	_, err := serving(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"version":"1.9.5"}`) }).Installation(context.Background())
	if !errors.As(err, &e) || e.Kind != Unsupported || !strings.Contains(err.Error(), "is Polyaxon 1.9.5, which is not supported: slipway needs 1.11.3 or newer") {
		t.Errorf("an old server: %v", err)
	}
}
