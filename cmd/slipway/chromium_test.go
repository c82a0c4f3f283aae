package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/slipway-ci/slipway/internal/testenv"
)

// chromium is a page of Chromium, which has run since the test began to use it.
type chromium struct {
	connection *websocket.Conn
	sent       int
}

// startChromium starts Chromium, which ends with the test. It looks nothing up on the internet.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	profile := t.TempDir()
	browser := exec.CommandContext(ctx, testenv.Chromium(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--window-size=1280,1000", "--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	browser.WaitDelay = 5 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = browser.Process.Kill(); _ = browser.Wait() })
	connection, response, err := websocket.DefaultDialer.DialContext(ctx, debugged(ctx, t, filepath.Join(profile, "DevToolsActivePort")), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = connection.Close() })
	return &chromium{connection: connection}
}

// call calls a method of the Chrome DevTools Protocol, and decodes its result.
func (c *chromium) call(t *testing.T, method string, params map[string]any, into any) {
	t.Helper()
	c.sent++
	if err := c.connection.WriteJSON(map[string]any{"id": c.sent, "method": method, "params": params}); err != nil {
		t.Fatalf("Chromium: %s: %v", method, err)
	}
	for {
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := c.connection.ReadJSON(&answer); err != nil {
			t.Fatalf("Chromium: %s: %v", method, err)
		}
		if answer.ID != c.sent { // an event
			continue
		}
		if answer.Error != nil {
			t.Fatalf("Chromium: %s: %s", method, answer.Error)
		}
		if err := json.Unmarshal(answer.Result, into); err != nil {
			t.Fatalf("Chromium: %s: %v", method, err)
		}
		return
	}
}

// shows opens an address, and fails the test if its page does not show all texts within three minutes:
// other tests may use all processors meanwhile, and programs in Python take long to start.
func (c *chromium) shows(t *testing.T, address string, texts ...string) {
	t.Helper()
	var page struct{ ErrorText string }
	if c.call(t, "Page.navigate", map[string]any{"url": address}, &page); page.ErrorText != "" {
		t.Errorf("Chromium opens %s: %s", address, page.ErrorText)
		return
	}
	var answer struct{ Result struct{ Value string } }
	complete := func() bool {
		c.call(t, "Runtime.evaluate", map[string]any{"expression": "document.body ? document.body.innerText : ''"}, &answer)
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(answer.Result.Value, text) })
	}
	for deadline := time.Now().Add(3 * time.Minute); !complete(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("%s does not show all of %q:\n%s", address, texts, answer.Result.Value)
			return
		}
	}
	if dir := os.Getenv("SLIPWAY_TEST_PICTURES"); dir != "" { // to look at
		var picture struct{ Data []byte }
		c.call(t, "Page.captureScreenshot", nil, &picture)
		mustWrite(t, filepath.Join(dir, filepath.Base(t.Name())+"-"+strconv.Itoa(c.sent)+".png"), string(picture.Data), 0o644)
	}
}

// debugged returns the address of the debugger of Chromium's page. file is where Chromium writes its
// port.
func debugged(ctx context.Context, t *testing.T, file string) string {
	t.Helper()
	for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		text, _ := os.ReadFile(file)
		port, _, complete := strings.Cut(string(text), "\n")
		if !complete {
			continue
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/json/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			continue
		}
		var pages []struct {
			Type     string
			Debugger string `json:"webSocketDebuggerUrl"`
		}
		err = json.NewDecoder(response.Body).Decode(&pages)
		_ = response.Body.Close()
		for _, p := range pages {
			if err == nil && p.Type == "page" {
				return p.Debugger
			}
		}
	}
	t.Fatal("Chromium does not start")
	return ""
}
