package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// shown opens an address in Chromium and returns the text of the page when it has the wanted one, or
// after three minutes: other tests may use all processors meanwhile, and programs in Python take long to start.
func shown(t *testing.T, chromium, address, wanted string) (text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	profile := t.TempDir()
	browser := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+profile, address)
	browser.WaitDelay = 5 * time.Second
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = browser.Process.Kill(); _ = browser.Wait() }()
	page := debugged(ctx, t, filepath.Join(profile, "DevToolsActivePort"))
	connection, response, err := websocket.DefaultDialer.DialContext(ctx, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	defer connection.Close()
	for range 360 {
		question := map[string]any{"id": 1, "method": "Runtime.evaluate", "params": map[string]any{"expression": "document.body ? document.body.innerText : ''"}}
		var answer struct {
			Result struct{ Result struct{ Value string } }
		}
		if err := connection.WriteJSON(question); err != nil {
			t.Fatal(err)
		}
		if err := connection.ReadJSON(&answer); err != nil {
			t.Fatal(err)
		}
		if text = answer.Result.Result.Value; strings.Contains(text, wanted) {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	return text
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
