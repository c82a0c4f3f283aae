package tasks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
)

// statusTransport is a transport that answers requests to services with codes in order,
// repeating the last one. It forwards other requests.
type statusTransport struct {
	codes []int
	asked atomic.Int64
}

func (a *statusTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.Contains(r.URL.Path, "rewrite-services/") {
		return http.DefaultTransport.RoundTrip(r)
	}
	code := a.codes[min(int(a.asked.Add(1)), len(a.codes))-1]
	return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: http.Header{}, Body: io.NopCloser(&bytes.Buffer{}), Request: r}, nil
}

// TestServiceReadyStatus checks that a service does not count as up while it
// answers with a status that says that it is not ready or that the page does not exist.
func TestServiceReadyStatus(t *testing.T) {
	host := sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))
	env, events, _ := serving(t, "polyaxon: {host: '"+host+"'}", unreachable)
	env.Sleep = func(ctx context.Context, d time.Duration) error { return ctx.Err() }
	env.Transport = &statusTransport{codes: []int{http.StatusOK}}
	if _, err := Up(t.Context(), env, UpOptions{Service: "api", Wait: time.Minute}); err != nil { // the service takes a moment to start
		t.Fatal(err)
	}
	const wanted = "it is ready when it responds with a status below 400 there"
	for _, c := range []struct {
		codes []int
		up    bool
		told  string
	}{
		{[]int{200}, true, ""},
		{[]int{302}, true, ""},
		{[]int{502, 404, 401, 500, 204}, true, ""},
		{[]int{404}, false, "service api responds with Not Found at " + host + "/rewrite-services/v1/"},
		{[]int{401}, false, "service api responds with Unauthorized at "},
		{[]int{500}, false, "service api responds with Internal Server Error at "},
		{[]int{503}, false, ""},
	} {
		answers := &statusTransport{codes: c.codes}
		env.Transport = answers
		before, wait := len(events.String()), 300*time.Millisecond
		_, err := Up(t.Context(), env, UpOptions{Service: "api", Wait: wait})
		if !strings.Contains(events.String()[before:], c.told) { // the machine is busy: try once more
			before, wait = len(events.String()), 5*time.Second
			_, err = Up(t.Context(), env, UpOptions{Service: "api", Wait: wait})
		}
		if c.up != (err == nil) || !c.up && !strings.Contains(err.Error(), "was not ready within "+wait.String()) || !c.up && !strings.Contains(err.Error(), http.StatusText(c.codes[0])) {
			t.Errorf("%v: %v", c.codes, err)
		}
		said := events.String()[before:]
		want := 0
		if c.told != "" {
			want = 1
		}
		if strings.Count(said, wanted) != want || !strings.Contains(said, c.told) {
			t.Errorf("%v: it says %s", c.codes, said)
		}
	}
	if _, err := Down(t.Context(), env, DownOptions{Service: "api"}); err != nil {
		t.Error(err)
	}
}

// TestCheckTellsWhoReachesServices checks the note that a cluster's gateway does not ask for
// a login.
func TestCheckTellsWhoReachesServices(t *testing.T) {
	const note = "everyone who can reach Polyaxon's gateway can reach the services (api)"
	env, events, _ := serving(t, "polyaxon: {host: '"+sandboxtest.Polyaxon(t, "1.11.3", "")+"'}", unreachable)
	if _, err := Check(t.Context(), env, CheckOptions{}); err != nil && !errors.As(err, new(*ProblemsError)) {
		t.Fatal(err)
	}
	if !strings.Contains(events.String(), note) {
		t.Errorf("it says %s", events)
	}
	sandboxed, events, _ := serving(t, "", unreachable)
	if err := os.WriteFile("slipway.yaml", []byte("project: story\nservices: {api: {polyaxonfile: api.yml, gpu: 0}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Check(t.Context(), sandboxed, CheckOptions{}); err != nil && !errors.As(err, new(*ProblemsError)) {
		t.Fatal(err)
	}
	if strings.Contains(events.String(), "gateway") {
		t.Errorf("of the sandbox it says %s", events)
	}
}
