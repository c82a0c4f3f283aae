package tasks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/slipway-ci/slipway/internal/polyaxon"
	"github.com/slipway-ci/slipway/internal/sandbox/sandboxtest"
	"github.com/slipway-ci/slipway/tasks/report"
)

// TestDownload downloads files from a server that sends them in pieces, too short, or under
// names that lead elsewhere. A file must get its name only when it is complete, and no file
// may be written outside of the directory.
func TestDownload(t *testing.T) {
	host := sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))
	env, _, _ := serving(t, "polyaxon: {host: '"+host+"'}", unreachable)
	env.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	uuid := writing(t, host)

	for name, test := range map[string]struct {
		spoil func(n int, r *http.Request, answer []byte) io.Reader
		want  string // substring of the error
	}{
		"cut once": {spoil: func(n int, r *http.Request, answer []byte) io.Reader {
			if n == 1 && strings.HasSuffix(r.URL.Path, "/artifact") {
				return io.MultiReader(bytes.NewReader(answer[:3]), iotest.ErrReader(io.ErrUnexpectedEOF))
			}
			return bytes.NewReader(answer)
		}},
		"short once": {spoil: func(n int, r *http.Request, answer []byte) io.Reader {
			if n == 1 && strings.HasSuffix(r.URL.Path, "/artifact") {
				answer = answer[:3]
			}
			return bytes.NewReader(answer)
		}},
		"always short": {want: "outputs/model.txt of run " + uuid + ": size mismatch: received 3 bytes, but the server lists 7", spoil: func(_ int, r *http.Request, answer []byte) io.Reader {
			if strings.HasSuffix(r.URL.Path, "/artifact") {
				answer = answer[:3]
			}
			return bytes.NewReader(answer)
		}},
		"without end": {want: "size mismatch: received more than the 7 bytes that the server lists", spoil: func(_ int, r *http.Request, answer []byte) io.Reader {
			if strings.HasSuffix(r.URL.Path, "/artifact") {
				return io.MultiReader(bytes.NewReader(answer), strings.NewReader("more"))
			}
			return bytes.NewReader(answer)
		}},
		"elsewhere": {want: "escapes", spoil: func(_ int, r *http.Request, answer []byte) io.Reader {
			if strings.HasSuffix(r.URL.Path, "/tree") {
				answer = bytes.ReplaceAll(answer, []byte("model.txt"), []byte("../../../model.txt"))
			}
			return bytes.NewReader(answer)
		}},
		"git's": {want: "git's own files", spoil: func(_ int, r *http.Request, answer []byte) io.Reader {
			if strings.HasSuffix(r.URL.Path, "/tree") {
				answer = bytes.ReplaceAll(answer, []byte("model.txt"), []byte(".git/hooks/pre-commit"))
			}
			return bytes.NewReader(answer)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			files := 0
			env.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				response, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					return nil, err
				}
				text, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if strings.HasSuffix(r.URL.Path, "/artifact") {
					files++
				}
				response.Body, response.ContentLength = io.NopCloser(test.spoil(files, r, text)), -1
				return response, err
			})
			directory := filepath.Join("all", "of", strings.ReplaceAll(name, " ", "-"))
			now, most := int64(0), int64(0)
			env.Events = sink(func(e report.Event) {
				if e.Kind == report.Progress && e.Step == "download" {
					now, most = e.Amount.Bytes, max(most, e.Amount.Bytes)
				}
			})
			result, err := Artifacts(t.Context(), env, ArtifactsOptions{Run: uuid, Dir: directory})
			if most > 7 || test.want == "" && now != 7 {
				t.Errorf("of 7 bytes, %d are reported at the end, and at most %d", now, most)
			}
			if test.want == "" {
				if result, err := Artifacts(t.Context(), env, ArtifactsOptions{Run: uuid, Dir: directory}); err != nil || now != 7 || len(result.Artifacts) != 1 {
					t.Errorf("again: %d bytes are reported, %v", now, err)
				}
				text, failed := os.ReadFile(filepath.Join(directory, "outputs", "model.txt"))
				if err != nil || failed != nil || string(text) != "weights" || len(result.Artifacts) != 1 {
					t.Errorf("%v, %v: %q", err, failed, text)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
			left, _ := filepath.Glob(filepath.Join(directory, "outputs", "*"))
			for _, outside := range []string{"model.txt", "all/model.txt", "all/of/model.txt"} {
				if _, err := os.Stat(outside); !errors.Is(err, os.ErrNotExist) {
					left = append(left, outside)
				}
			}
			if hidden, _ := filepath.Glob(filepath.Join(directory, "outputs", ".*")); len(left)+len(hidden) > 0 {
				t.Errorf("there are %v and %v", left, hidden)
			}
		})
	}
}

// TestTwoDownloads downloads a run into one directory twice at once: the one that began first ends last. Then a killed
// download has left a part of a file, which the next one replaces.
func TestTwoDownloads(t *testing.T) {
	host := sandboxtest.Polyaxon(t, "1.11.3", buildJob(t))
	env, _, _ := serving(t, "polyaxon: {host: '"+host+"'}", unreachable)
	o := ArtifactsOptions{Run: writing(t, host), Dir: "both"}
	outputs, part := filepath.Join("both", "outputs"), ""
	files := atomic.Int64{}
	env.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && strings.HasSuffix(r.URL.Path, "/artifact") && files.Add(1) == 1 {
			response.Body = &after{ReadCloser: response.Body, do: func() error {
				there, err := os.ReadDir(outputs)
				if err != nil || len(there) != 1 {
					return fmt.Errorf("there are %v, %w", there, err)
				}
				part = filepath.Join(outputs, there[0].Name())
				_, err = Artifacts(t.Context(), env, o)
				return err
			}}
		}
		return response, err
	})
	if _, err := Artifacts(t.Context(), env, o); err != nil || files.Load() != 2 {
		t.Errorf("%d downloads, %v", files.Load(), err)
	}
	check := func() {
		t.Helper()
		left, err := os.ReadDir(outputs)
		if text, failed := os.ReadFile(filepath.Join(outputs, "model.txt")); err != nil || failed != nil || string(text) != "weights" || len(left) != 1 {
			t.Errorf("there are %v: %q, %v, %v", left, text, err, failed)
		}
	}
	check()
	if err := errors.Join(os.Remove(filepath.Join(outputs, "model.txt")), os.WriteFile(part, []byte("longer than the weights"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Artifacts(t.Context(), env, o); err != nil {
		t.Error(err)
	}
	check()
}

// sink is a function as a report.Sink.
type sink func(report.Event)

// Event implements report.Sink.
func (s sink) Event(e report.Event) { s(e) }

// after is the body of an answer. It does something before its content comes.
type after struct {
	io.ReadCloser
	do func() error
}

// Read implements io.Reader.
func (a *after) Read(p []byte) (int, error) {
	if do := a.do; do != nil {
		a.do = nil
		if err := do(); err != nil {
			return 0, err
		}
	}
	return a.ReadCloser.Read(p)
}

// writing submits a run that writes a file, and returns its UUID.
func writing(t *testing.T, host string) string {
	t.Helper()
	client, err := polyaxon.New(polyaxon.Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.EnsureProject(t.Context(), "story"); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf(`{"version":1.1,"kind":"operation","component":{"run":{"kind":"job","container":{"image":"none","command":[%q,"write={{ globals.run_outputs_path }}/model.txt:weights"]}}}}`, sandboxtest.Program)
	made, err := client.CreateRun(t.Context(), "story", polyaxon.CreateRun{Content: content, Name: "write"})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, _, err := client.Statuses(t.Context(), "story", made.UUID)
		if err == nil && status == polyaxon.Succeeded {
			return made.UUID
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run is %s: %v", status, err)
		}
	}
}
