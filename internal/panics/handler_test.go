package panics

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHandlers has handlers panic before and after their response has begun. The first
// responds with status 500, the second with a truncated response, and the server goes on.
func TestHandlers(t *testing.T) {
	var log bytes.Buffer
	server := httptest.NewServer(Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/begun":
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			provoke()
		case "/fault":
			provoke()
		}
	}), &log))
	defer server.Close()
	for path, want := range map[string]int{"/begun": http.StatusOK, "/fault": http.StatusInternalServerError, "/well": http.StatusOK} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != want || (err != nil) != (path == "/begun") {
			t.Errorf("%s: %s, %v", path, response.Status, err)
		}
		if path == "/fault" && !strings.Contains(string(text), "this is a bug in slipway (panic: provoked)") {
			t.Errorf("it answers %s", text)
		}
	}
	server.Close() // waits for the handlers, which write the log
	for _, want := range []string{"GET /begun: panic: provoked", "GET /fault: panic: provoked", "panics.provoke"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, log.String())
		}
	}
}
