package storage_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slipway-ci/slipway/internal/google"
	"github.com/slipway-ci/slipway/internal/storage"
)

// service is a server whose answers a test decides, and a client of it.
type service struct {
	*storage.Client
	requests int
	pauses   []time.Duration
}

func serve(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *service {
	t.Helper()
	s := &service{}
	var mu sync.Mutex
	listening := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		s.requests++
		n := s.requests
		mu.Unlock()
		answer(n, w, r)
	}))
	t.Cleanup(listening.Close)
	s.Client = &storage.Client{Address: listening.URL, Transport: http.DefaultTransport, Pause: func(_ context.Context, d time.Duration) error {
		s.pauses = append(s.pauses, d)
		return nil
	}}
	return s
}

// TestRetry checks which refusals are tried again, how often, and after which pauses.
func TestRetry(t *testing.T) {
	for code, want := range map[int]int{200: 1, 400: 1, 401: 1, 403: 1, 404: 1, 408: 6, 429: 6, 500: 6, 501: 1, 503: 6, 504: 6, 507: 1} {
		s := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "{}")
		})
		if _, err := s.Stat(t.Context(), "data", "x"); storage.Is(err, code) != (code != 200) {
			t.Errorf("%d: %v", code, err)
		}
		if s.requests != want || len(s.pauses) != want-1 {
			t.Errorf("%d: %d requests and the pauses %v, want %d requests", code, s.requests, s.pauses, want)
		}
		for n := 1; n < len(s.pauses); n++ {
			if s.pauses[n] != 2*s.pauses[n-1] {
				t.Errorf("%d: the pauses are %v", code, s.pauses)
			}
		}
	}
	s := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, `{"bucket": "data", "name": "x"}`)
	})
	if _, err := s.Stat(t.Context(), "data", "x"); err != nil || len(s.pauses) != 1 || s.pauses[0] != 7*time.Second {
		t.Errorf("Retry-After: %v after %v", err, s.pauses)
	}
	ended, cancel := context.WithCancel(t.Context())
	s = serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if _, err := s.Stat(ended, "data", "x"); !errors.Is(err, context.Canceled) || s.requests != 1 {
		t.Errorf("canceled: %v after %d requests", err, s.requests)
	}
}

// TestNotAgain checks errors that no other attempt would mend: a full disk, and no token.
func TestNotAgain(t *testing.T) {
	s := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	if err := s.Download(t.Context(), &storage.Object{Bucket: "data", Name: "x", Size: 10}, 0, full{}); !errors.Is(err, syscall.ENOSPC) || s.requests != 1 {
		t.Errorf("a full disk: %v after %d requests", err, s.requests)
	}
	tried := 0
	s.Transport = carrier(func(*http.Request) (*http.Response, error) {
		tried++
		return nil, &google.NoTokenError{Err: &url.Error{Op: "Post", URL: "https://oauth2.test", Err: io.EOF}}
	})
	if _, err := s.Stat(t.Context(), "data", "x"); err == nil || tried != 1 {
		t.Errorf("no token: %v after %d attempts", err, tried)
	}
}

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
}

// carrier is a function as a transport.
type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// TestResume checks that an upload goes on where the service has it, also one that another process
// began, and begins again when the service has lost it.
func TestResume(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	sum := storage.NewCRC32C()
	_, _ = io.WriteString(sum, content)
	for name, code := range map[string]int{"goes on": 0, "begins again": http.StatusGone, "does not say where it is": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			lost := code != 0
			got, begun := []byte(content[:1<<20]), 0
			var checksum string
			s := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				span := r.Header.Get("Content-Range")
				switch {
				case r.Method == http.MethodPost:
					begun, got = begun+1, nil
					body, _ := io.ReadAll(r.Body)
					_, checksum, _ = strings.Cut(string(body), `"crc32c":"`)
					w.Header().Set("Location", "http://"+r.Host+"/new")
				case lost && r.URL.Path == "/old":
					w.WriteHeader(code)
				case strings.HasPrefix(span, "bytes */"):
					w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(got)-1))
					w.WriteHeader(http.StatusPermanentRedirect)
				default:
					if want := fmt.Sprintf("bytes %d-%d/%d", len(got), len(content)-1, len(content)); span != want {
						t.Errorf("Content-Range %q, want %q", span, want)
					}
					body, _ := io.ReadAll(r.Body)
					got = append(got, body...)
					_, _ = fmt.Fprintf(w, `{"name": "x", "generation": "1", "size": "%d", "crc32c": "%s"}`, len(got), checksumOf(content))
				}
			})
			var sent, had int64
			_, err := s.Upload(t.Context(), storage.Upload{
				Bucket: "data", Name: "x", Content: strings.NewReader(content), Size: int64(len(content)), CRC32C: sum.Sum32(),
				Session: s.Address + "/old", Sent: func(n int64) { sent += n }, Had: func(n int64) { had += n },
			})
			if err != nil || string(got) != content || sent+had != int64(len(content)) || (had == 1<<20) == lost {
				t.Errorf("%v, %d bytes arrived, %d were reported, and %d that were there", err, len(got), sent, had)
			}
			if lost != (begun == 1) || lost && !strings.HasPrefix(checksum, checksumOf(content)) {
				t.Errorf("it was begun %d times, with %q", begun, checksum)
			}
		})
	}
}

// checksumOf returns a checksum as the API writes it.
func checksumOf(content string) string {
	h := storage.NewCRC32C()
	_, _ = io.WriteString(h, content)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestLies checks answers that Cloud Storage does not give, and that would lose content, send it elsewhere
// or never end.
func TestLies(t *testing.T) {
	big := strings.Repeat("x", storage.MaxSingle+1)
	copied := func(s *service) error {
		_, err := s.Copy(t.Context(), &storage.Object{Bucket: "data", Name: "x", Size: 7}, "data", "y", 0)
		return err
	}
	list := func(s *service) (err error) {
		for _, err = range s.List(t.Context(), "data", "raw/", "") {
		}
		return err
	}
	for name, test := range map[string]struct {
		answer string
		header http.Header
		do     func(*service) error
		says   string
	}{
		"another checksum": {answer: `{"size": "1", "crc32c": "AAAAAA=="}`, says: "another CRC32C", do: func(s *service) error {
			_, err := s.Upload(t.Context(), storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader("x"), Size: 1, CRC32C: 7})
			return err
		}},
		"another host": {header: http.Header{"Location": {"http://127.0.0.1:1/x"}}, says: "proxy", do: func(s *service) error {
			_, err := s.Upload(t.Context(), storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader(big), Size: int64(len(big))})
			return err
		}},
		"another scheme": {header: http.Header{"Location": {"https://HOST/x"}}, says: "goes on at https://", do: func(s *service) error {
			_, err := s.Upload(t.Context(), storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader(big), Size: int64(len(big))})
			return err
		}},
		"no session": {says: "does not say where", do: func(s *service) error {
			_, err := s.Upload(t.Context(), storage.Upload{Bucket: "data", Name: "x", Content: strings.NewReader(big), Size: int64(len(big))})
			return err
		}},
		"no JSON": {answer: "<html>", says: "is not its JSON", do: func(s *service) error { _, err := s.Stat(t.Context(), "data", "x"); return err }},
		"one page for ever": {answer: `{"nextPageToken": "a"}`, says: "does not end", do: func(s *service) (err error) {
			for _, err = range s.List(t.Context(), "data", "", "") {
			}
			return err
		}},
		"a copy that does not go on":   {answer: `{"done": false, "rewriteToken": "x", "totalBytesRewritten": "3"}`, says: "does not go on after 3 of 7 bytes", do: copied},
		"a copy of nothing":            {answer: `{"done": true}`, says: "does not say how to continue", do: copied},
		"no object":                    {answer: `{"items": [null]}`, says: "not asked for", do: list},
		"another bucket":               {answer: `{"items": [{"bucket": "other", "name": "raw/x", "size": "1"}]}`, says: "not asked for", do: list},
		"another prefix":               {answer: `{"items": [{"bucket": "data", "name": "x", "size": "1"}]}`, says: "not asked for", do: list},
		"less than no content":         {answer: `{"items": [{"bucket": "data", "name": "raw/x", "size": "-1"}]}`, says: "not asked for", do: list},
		"one page of buckets for ever": {answer: `{"nextPageToken": "a"}`, says: "does not end", do: func(s *service) error { _, err := s.Buckets(t.Context()); return err }},
		"the same object for ever":     {answer: `{"nextPageToken": "TOKEN", "items": [{"bucket": "data", "name": "raw/x", "size": "1"}]}`, says: "does not end", do: list},
		"the same prefix for ever":     {answer: `{"nextPageToken": "TOKEN", "prefixes": ["raw/x/"]}`, says: "does not end", do: list},
		"another object":               {answer: `{"bucket": "data", "name": "../x", "size": "1"}`, says: "not asked for", do: func(s *service) error { _, err := s.Stat(t.Context(), "data", "x"); return err }},
		"an object of less than none":  {answer: `{"bucket": "data", "name": "x", "size": "-1"}`, says: "not asked for", do: func(s *service) error { _, err := s.Stat(t.Context(), "data", "x"); return err }},
		"all in place of a part": {answer: "0123456789", says: "in place of a part", do: func(s *service) error {
			return s.Download(t.Context(), &storage.Object{Bucket: "data", Name: "x", Size: 10}, 5, io.Discard)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				for name := range test.header {
					w.Header().Set(name, strings.ReplaceAll(test.header.Get(name), "HOST", r.Host))
				}
				_, _ = io.WriteString(w, strings.ReplaceAll(test.answer, "TOKEN", strconv.Itoa(n)))
			})
			if err := test.do(s); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it returned %v, want %q", err, test.says)
			}
			if s.requests > 10 {
				t.Errorf("it sent %d requests", s.requests)
			}
		})
	}
}

// TestEndlessLists has a service name another page after each one, with nothing on it.
func TestEndlessLists(t *testing.T) {
	for name, list := range map[string]func(*service) error{
		"objects": func(s *service) (err error) {
			for _, err = range s.List(t.Context(), "data", "", "/") {
			}
			return err
		},
		"buckets": func(s *service) error { _, err := s.Buckets(t.Context()); return err },
	} {
		s := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"nextPageToken": "`+strconv.Itoa(n)+`"}`)
		})
		if err := list(s); err == nil || !strings.Contains(err.Error(), "does not end") || s.requests > 1001 {
			t.Errorf("%s: %v after %d requests", name, err, s.requests)
		}
	}
}
